// The search dialog of this site, written by `rqsearch site`. See demo.html for how to use it.

import { define } from './scripts/dialog.js';

define(new URL('./', import.meta.url));
