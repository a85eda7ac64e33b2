//! Pages on the web as sources.

use std::io;
use std::sync::Mutex;

use crossbeam_channel::Sender;

use super::archive::NO_FILE;
use super::content::{Content, hasher};
use super::file_record::{FileRecord, PageVersion};
use super::item::{Item, Items, Place};
use super::options::Build;
use super::state::State;
use crate::question::Question;
use crate::read;
use crate::read::web::{Reply, Web};

impl Build<'_> {
    /// Requests an address. If it is a sitemap, adds its pages, which are not requested yet.
    pub(super) fn add_pages(
        &self,
        root: &str,
        options: &read::Options,
        old: &[FileRecord],
        items: &mut Items,
    ) {
        let item = |url: &str, reply: Option<Reply>| Item {
            name: url.to_owned(),
            path: url.into(),
            named: url == root,
            place: Place::Page(Mutex::new(reply)),
            bytes: 0,
            stamp: None,
            options: options.clone(),
            within: Some(root.to_owned()),
        };
        let web = Web::default();
        let known = old.iter().find(|old| old.path == root).and_then(|old| self.validators(old, options));
        let pages = web.get(root, known, &self.temporary()).and_then(|reply| match &reply {
            Reply::Unchanged => Ok((reply, None)),
            Reply::Page(page) => {
                let pages = web.pages(root, &page.file, &self.temporary())?;
                Ok((reply, pages))
            }
        });
        match pages {
            Err(error) => {
                self.report(root.as_ref(), error.to_string());
                items.problems += 1;
                items.failed.insert(root.to_owned());
            }
            Ok((reply, None)) => {
                items.list.push(item(root, Some(reply)));
                items.complete.insert(root.to_owned());
            }
            Ok((_, Some(pages))) => {
                if pages.problems.is_empty() {
                    items.complete.insert(root.to_owned());
                }
                for (sitemap, problem) in pages.problems {
                    self.report(sitemap.as_ref(), problem);
                    items.problems += 1;
                }
                items.list.extend(pages.urls.iter().map(|url| item(url, None)));
            }
        }
    }

    /// The validators of a page in the index, if an unchanged page need not be read again.
    fn validators<'f>(
        &self,
        old: &'f FileRecord,
        options: &read::Options,
    ) -> Option<&'f read::web::Validators> {
        let page = old.page.as_ref().filter(|_| !self.reread && old.bad == 0);
        page.filter(|page| page.reading == hasher(options).digest()).map(|page| &page.validators)
    }
}

impl State<'_> {
    /// Reads a page unless it is unchanged. `reply` is the reply of the server if it was asked already.
    pub fn read_page(
        &self,
        item: &Item,
        reply: Option<Reply>,
        jobs: &Sender<Question>,
    ) -> anyhow::Result<()> {
        let old = self.old_file(&item.name)?;
        let known = || old.as_ref().and_then(|old| self.build.validators(old, &item.options));
        let reply = reply.map_or_else(|| self.web.get(&item.name, known(), &self.build.temporary()), Ok);
        let content = reply.and_then(|reply| match reply {
            Reply::Unchanged => Ok(None),
            Reply::Page(mut page) => {
                if read::Compression::of(&mut page.file)? == Some(read::Compression::SevenZip) {
                    return Err(io::Error::other(NO_FILE));
                }
                let reading = hasher(&item.options).digest();
                let version = Some(PageVersion { reading, validators: page.validators });
                Ok(Some(Content { page: version, ..Content::new(page.file, page.extension, &item.options)? }))
            }
        });
        match content {
            Ok(Some(content)) => self.read_file(item, content, jobs),
            Ok(None) => self.keep(&[&item.name]),
            Err(error) => {
                self.fail(item, &error);
                Ok(())
            }
        }
    }
}
