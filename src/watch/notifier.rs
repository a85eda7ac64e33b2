//! Notifications of the operating system about changes in directories.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::changes::{Batch, Changes};
use crate::hint::hinted;

/// On Linux each directory is watched by itself, so that ignored ones cost nothing. Elsewhere the system watches whole
/// trees at no cost.
const IS_RECURSIVE: bool = !cfg!(any(target_os = "linux", target_os = "android"));

/// The files that the ignore rules are in.
const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];

/// Watches directories, and adds what changes in them to [`Changes`].
pub struct Notifier {
    watcher: RecommendedWatcher,
    filter: Arc<RwLock<Filter>>,
    watched: HashSet<PathBuf>,
}

impl Notifier {
    /// # Errors
    /// The system refuses notifications.
    pub fn new(changes: Arc<Changes>, index: PathBuf) -> anyhow::Result<Self> {
        let filter = Arc::new(RwLock::new(Filter { index, roots: Vec::new() }));
        let shared = Arc::clone(&filter);
        let handle = move |event: notify::Result<Event>| {
            shared.read().unwrap_or_else(PoisonError::into_inner).pass(event, &changes);
        };
        let watcher = notify::recommended_watcher(handle).map_err(explain)?;
        Ok(Self { watcher, filter, watched: HashSet::new() })
    }

    /// Watches these directories and no others. Directories that have changed themselves are watched anew: another one
    /// may have the path now. Returns whether a directory is watched that was not watched before, so that changes in it
    /// may have been missed.
    ///
    /// # Errors
    /// A limit of the system is reached. The directories that could be watched are.
    pub fn watch(
        &mut self,
        roots: &[PathBuf],
        directories: BTreeSet<PathBuf>,
        changes: &Batch,
    ) -> anyhow::Result<bool> {
        self.filter.write().unwrap_or_else(PoisonError::into_inner).roots = roots.to_vec();
        let wanted = if IS_RECURSIVE { trees(roots, directories) } else { directories };
        let stale = |path: &Path| !wanted.contains(path) || changes.touches(path);
        // All stale watches end before new ones begin: a directory that was renamed has one watch for both paths.
        for path in self.watched.extract_if(|path| stale(path)) {
            // The system has ended the watch of a deleted directory already.
            _ = self.watcher.unwatch(&path);
        }
        let mut is_new = false;
        for path in wanted {
            if self.watched.contains(&path) {
                continue;
            }
            let is_tree = IS_RECURSIVE && roots.contains(&path);
            let mode = if is_tree { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            match self.watcher.watch(&path, mode) {
                Ok(()) => {
                    self.watched.insert(path);
                    is_new = true;
                }
                // The directory is gone by now, or cannot be read, which the update reports.
                Err(error) if is_unavailable(&error) => {}
                Err(error) => return Err(explain(error)),
            }
        }
        Ok(is_new)
    }
}

/// The roots that are directories, and the directories around the roots.
fn trees(roots: &[PathBuf], directories: BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let is_inside = |path: &PathBuf| roots.iter().any(|root| path != root && path.starts_with(root));
    directories.into_iter().filter(|path| !is_inside(path)).collect()
}

fn is_unavailable(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
        ),
        _ => false,
    }
}

/// An error of the system, with what to do about it.
fn explain(error: notify::Error) -> anyhow::Error {
    let hint = match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "the system limits the number of watched directories; raise it with \
             `sysctl fs.inotify.max_user_watches=1048576` as root, or look for changes at intervals with --poll 10"
        }
        ErrorKind::Io(error) if is_instance_limit(error) => {
            "the system limits the number of programs that watch files; raise it with \
             `sysctl fs.inotify.max_user_instances=1024` as root, or look for changes at intervals with --poll 10"
        }
        _ => "look for changes at intervals with --poll 10",
    };
    let place = error.paths.first().map_or_else(String::new, |path| format!(" in {}", path.display()));
    let reason = match error.kind {
        ErrorKind::MaxFilesWatch => "too many directories are watched".to_owned(),
        kind => notify::Error::new(kind).to_string(),
    };
    hinted(format!("could not watch for changes{place}: {reason}"), hint).into()
}

#[cfg(unix)]
fn is_instance_limit(error: &io::Error) -> bool {
    /// Too many open files: `inotify_init` returns it for its own limit as well.
    const EMFILE: i32 = 24;
    error.raw_os_error() == Some(EMFILE)
}

#[cfg(not(unix))]
fn is_instance_limit(_: &io::Error) -> bool {
    false
}

/// Tells changes that concern the index from others.
struct Filter {
    /// The directory of the index.
    index: PathBuf,
    roots: Vec<PathBuf>,
}

impl Filter {
    fn pass(&self, event: notify::Result<Event>, changes: &Changes) {
        match event {
            Ok(event) if event.need_rescan() => changes.add_everything(),
            // An update reads files as well.
            Ok(event) if is_reading(event.kind) => {}
            Ok(event) => event
                .paths
                .into_iter()
                .filter(|path| self.is_relevant(path))
                .for_each(|path| changes.add(path)),
            Err(_) => changes.add_everything(),
        }
    }

    fn is_relevant(&self, path: &Path) -> bool {
        if let Ok(inside) = path.strip_prefix(&self.index) {
            // A commit of another process can add roots.
            return inside == "meta.json";
        }
        self.roots.iter().any(|root| match path.strip_prefix(root) {
            Ok(below) => !below.iter().any(is_never_read),
            // A directory above the root was renamed or created.
            Err(_) => root.starts_with(path),
        })
    }
}

fn is_reading(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write))
}

/// Whether files of this name, and below a directory of this name, are never read: hidden ones, `.git` among them, and
/// temporary files and backups of editors.
fn is_never_read(name: &OsStr) -> bool {
    let text = name.to_string_lossy();
    let is_hidden = text.starts_with('.') && !IGNORE_FILES.contains(&&*text);
    let is_temporary = text.ends_with('~')
        || text.starts_with('#') && text.ends_with('#')
        || text.starts_with("~$")
        || [".tmp", "___jb_tmp___", "___jb_old___"].iter().any(|end| text.ends_with(end));
    is_hidden || is_temporary
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, ModifyKind, RenameMode};

    use super::*;
    use crate::hint::Hinted;

    #[test]
    fn changes_that_concern_no_question_are_ignored() {
        let filter = Filter {
            index: "/home/docs/.rqsearch".into(),
            roots: vec!["/home/docs".into(), "/srv/.faq/a.md".into()],
        };
        for (path, expected) in [
            ("/home/docs/a.md", true),
            ("/home/docs/deep/new", true),
            ("/home/docs", true),
            ("/home", true),
            ("/home/other", false),
            ("/srv/.faq/a.md", true),
            ("/srv/.faq/b.md", false),
            ("/home/docs/.gitignore", true),
            ("/home/docs/.git/index", false),
            ("/home/docs/.a.md.swp", false),
            ("/home/docs/a.md~", false),
            ("/home/docs/#a.md#", false),
            ("/home/docs/.#a.md", false),
            ("/home/docs/~$a.xlsx", false),
            ("/home/docs/a.md.tmp", false),
            ("/home/docs/a.md___jb_tmp___", false),
            ("/home/docs/.rqsearch/0123.store", false),
            ("/home/docs/.rqsearch/meta.json", true),
        ] {
            assert_eq!(filter.is_relevant(path.as_ref()), expected, "{path}");
        }
    }

    #[test]
    fn reading_is_not_a_change() {
        let close = |mode| EventKind::Access(AccessKind::Close(mode));
        for (kind, expected) in [
            (EventKind::Access(AccessKind::Open(AccessMode::Any)), true),
            (close(AccessMode::Read), true),
            (close(AccessMode::Write), false),
            (EventKind::Create(CreateKind::File), false),
            (EventKind::Modify(ModifyKind::Name(RenameMode::To)), false),
        ] {
            assert_eq!(is_reading(kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn limits_of_the_system_are_explained() {
        let limit = explain(notify::Error::new(ErrorKind::MaxFilesWatch).add_path("/docs".into()));
        assert!(limit.to_string().contains("/docs"), "{limit}");
        let hint = |error: &anyhow::Error| Hinted::of(error).unwrap().to_owned();
        assert!(hint(&limit).contains("fs.inotify.max_user_watches") && hint(&limit).contains("--poll"));
        let open = io::Error::from_raw_os_error(24);
        let instances = hint(&explain(notify::Error::io(open)));
        assert_eq!(instances.contains("max_user_instances"), cfg!(unix), "{instances}");
        let gone = notify::Error::io(io::ErrorKind::PermissionDenied.into());
        assert!(is_unavailable(&gone) && !is_unavailable(&notify::Error::new(ErrorKind::MaxFilesWatch)));
    }
}
