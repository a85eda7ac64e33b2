//! Reads the sources in parallel. What has not changed since the last build is kept.

use std::fs::File;
use std::io;
use std::sync::atomic::Ordering;
use std::thread;

use crossbeam_channel::Sender;

use super::archive::NO_FILE;
use super::content::{Content, spool};
use super::file_record::FileRecord;
use super::item::{Item, Place};
use super::state::State;
use super::summary::{Counts, FileSummary};
use crate::question::Question;
use crate::read;

impl State<'_> {
    /// Reads the files in parallel.
    pub fn read(&self, items: &[Item], jobs: &Sender<Question>) {
        let (names, todo) = crossbeam_channel::unbounded();
        items.iter().for_each(|item| names.send(item).expect("the receiver is here"));
        drop(names);
        thread::scope(|scope| {
            for _ in 0..self.build.threads.clamp(1, 4) {
                let todo = todo.clone();
                scope.spawn(move || {
                    todo.iter().take_while(|_| !self.is_stopped()).for_each(|item| {
                        if let Err(error) = self.read_item(item, jobs) {
                            self.failure.set(error).ok();
                        }
                        self.progress.bytes_done.fetch_add(item.bytes, Ordering::Relaxed);
                    })
                });
            }
        });
    }

    /// Reads an item unless its content is unchanged.
    fn read_item(&self, item: &Item, jobs: &Sender<Question>) -> anyhow::Result<()> {
        if item.is_phrasings() {
            // Its phrasings are among the attachments.
            if self.output.is_cluster() {
                self.fail(item, &"files of phrasings are not supported with an index in a cluster yet");
            }
            return Ok(());
        }
        if self.keep_unopened(item)? {
            return Ok(());
        }
        let file = match &item.place {
            Place::File | Place::Member => File::open(&item.path),
            Place::Stdin => spool(io::stdin().lock(), &self.build.temporary()),
            #[cfg(feature = "remote")]
            Place::Page(reply) => {
                return self.read_page(item, reply.lock().expect("no thread panicked").take(), jobs);
            }
        };
        match file.and_then(|file| self.content(item, file)) {
            Ok((content, Some(read::Compression::SevenZip))) => match item.place {
                Place::File => self.read_archive(item, content, jobs),
                _ => {
                    self.fail(item, &NO_FILE);
                    Ok(())
                }
            },
            Ok((content, _)) => self.read_file(item, content, jobs),
            Err(error) => {
                self.fail(item, &error);
                Ok(())
            }
        }
    }

    /// The hashed content of a file, and how it is compressed.
    fn content(&self, item: &Item, mut file: File) -> io::Result<(Content, Option<read::Compression>)> {
        let compression = read::Compression::of(&mut file)?;
        let content = Content::new(file, read::inner_extension(&item.path), &item.options)?;
        if let Some(hashes) = self.build.hashes {
            hashes.insert(item, content.hash);
        }
        Ok((content, compression))
    }

    /// Keeps a file or an archive whose content is known without opening it: its stamp is one that an earlier build
    /// has hashed. Returns whether it did so.
    fn keep_unopened(&self, item: &Item) -> anyhow::Result<bool> {
        let hash = self.build.hashes.filter(|_| !self.build.reread).and_then(|hashes| hashes.get(item));
        let Some(hash) = hash else { return Ok(false) };
        if read::is_archive(&item.path) {
            return self.keep_archive(item, hash);
        }
        let is_kept = self.old_file(&item.name)?.is_some_and(|old| old.is_unchanged(hash))
            && (!item.named || self.question_count(&item.name)? > 0);
        if is_kept {
            self.keep(&[&item.name])?;
        }
        Ok(is_kept)
    }

    /// Reads a file unless it is unchanged.
    pub fn read_file(&self, item: &Item, content: Content, jobs: &Sender<Question>) -> anyhow::Result<()> {
        let old = self.old_file(&item.name)?;
        // A file that was found in a directory had no error for having no questions, and has one if it is named.
        let reports = item.named && self.question_hashes(&item.name)?.is_empty();
        let is_kept = |old: &FileRecord| !self.build.reread && !reports && old.is_unchanged(content.hash);
        if let Some(old) = old.filter(is_kept) {
            let record = content.record(item);
            // A page can have another version although its content is the same.
            if record != old {
                self.output.put_file(&record)?;
            }
            return self.keep(&[&item.name]);
        }
        self.read_changed_file(item, content, jobs)
    }

    /// Counts the questions of a file or an archive that has not changed. A file without questions is in the
    /// summary of every build.
    pub fn keep(&self, names: &[&str]) -> anyhow::Result<()> {
        let mut questions = 0;
        for name in names {
            questions += self.question_count(name)?;
        }
        self.progress.questions.fetch_add(questions, Ordering::Relaxed);
        if let ([name], 0) = (names, questions) {
            let counts = Counts::default();
            self.summary().files.push(FileSummary { path: (*name).to_owned(), format: None, counts });
        } else {
            self.summary().unchanged_files += 1;
        }
        Ok(())
    }
}
