//! Pages and sitemaps on the web: requests with limits, and conditional requests for pages that were read before.

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};
use ureq::config::Config;
use ureq::http::{Response, StatusCode, Uri, header};
use ureq::{Agent, Body};

use super::emit::invalid;
use super::walk::{inner_extension, is_url};
use super::{expand, office};

/// The largest page or sitemap, in MiB.
const MAX_PAGE_MIB: u64 = 64;

/// How often a request may be redirected.
const MAX_REDIRECTS: u32 = 5;

/// The time for a page, from the connection to the last byte.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How many pages of a sitemap are read.
const MAX_PAGES: usize = 10_000;

/// How many sitemaps a sitemap index may lead to.
const MAX_SITEMAPS: usize = 1_000;

/// How deep sitemaps may be nested. The standard allows one index.
const MAX_DEPTH: u32 = 3;

/// What a server said about the version of a page, to ask later whether it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Validators {
    /// The `ETag` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
}

/// An answer to a request.
pub enum Reply {
    /// The page is the one that the validators describe.
    Unchanged,
    /// The page.
    Page(Page),
}

/// A page that was fetched.
pub struct Page {
    /// Its content, in a temporary file.
    pub file: File,
    /// The extension of a file of this type, by the page's `Content-Type` or else its address.
    pub extension: String,
    /// To ask for changes.
    pub validators: Validators,
}

/// The pages of a sitemap.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// Their addresses, each once, in order.
    pub urls: Vec<String>,
    /// What was left out, and why. If this is empty, the list is complete.
    pub problems: Vec<(String, String)>,
}

/// Fetches pages.
pub struct Web {
    agent: Agent,
}

impl Default for Web {
    fn default() -> Self {
        let config = Config::builder()
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(TIMEOUT))
            // Redirects are followed below, where their targets are checked.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .accept("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8")
            .user_agent(concat!("rqsearch/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into() }
    }
}

impl Web {
    /// Fetches a page to a temporary file in a folder. With validators, asks whether it has changed.
    ///
    /// # Errors
    /// The server cannot be reached in time or refuses the request, or the page is too large.
    pub fn get(&self, url: &str, known: Option<&Validators>, folder: &Path) -> io::Result<Reply> {
        let mut response = self.request(url, known)?;
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED && known.is_some() {
            return Ok(Reply::Unchanged);
        }
        if status != StatusCode::OK {
            return Err(io::Error::other(format!("the server answered {status}")));
        }
        let validator =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let validators =
            Validators { etag: validator(header::ETAG), modified: validator(header::LAST_MODIFIED) };
        let body = response.body();
        let extension = extension(body.mime_type().unwrap_or_default(), url);
        // Text knows UTF-8 and UTF-16.
        let encoding = body.charset().and_then(|charset| Encoding::for_label(charset.as_bytes()));
        let encoding =
            encoding.filter(|encoding| *encoding != encoding_rs::UTF_8 && encoding.is_ascii_compatible());
        let input = response.body_mut().as_reader().take((MAX_PAGE_MIB << 20) + 1);
        let mut file = tempfile::tempfile_in(folder)?;
        let size = match encoding {
            None => io::copy(&mut { input }, &mut file)?,
            Some(_) => {
                let mut decoded = DecodeReaderBytesBuilder::new().encoding(encoding).build(input);
                io::copy(&mut decoded, &mut file)?
            }
        };
        if size > MAX_PAGE_MIB << 20 {
            return Err(invalid(format!("the page has more than {MAX_PAGE_MIB} MiB, the limit for pages")));
        }
        file.rewind()?;
        Ok(Reply::Page(Page { file, extension, validators }))
    }

    /// Sends a request and follows redirects.
    fn request(&self, url: &str, known: Option<&Validators>) -> io::Result<Response<Body>> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.agent.get(&url);
            if is_local(&url) {
                // A proxy cannot reach a server on this machine.
                request = request.config().proxy(None).build();
            }
            let known = known.cloned().unwrap_or_default();
            for (name, value) in
                [(header::IF_NONE_MATCH, known.etag), (header::IF_MODIFIED_SINCE, known.modified)]
            {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let response = request
                .call()
                .map_err(|error| io::Error::other(format!("could not fetch the page: {error}")))?;
            let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            match location.filter(|_| response.status().is_redirection()) {
                None => return Ok(response),
                Some(location) => url = redirected(&url, location)?,
            }
        }
        Err(io::Error::other(format!("the page is redirected more than {MAX_REDIRECTS} times")))
    }

    /// The pages that a sitemap lists, or the sitemaps that it leads to. Only pages of the sitemap's own host are read.
    /// `None` if the page is not a sitemap.
    ///
    /// # Errors
    /// The page cannot be read.
    pub fn pages(&self, url: &str, page: &File, folder: &Path) -> io::Result<Option<Pages>> {
        let Some(first) = Sitemap::parse(page)? else { return Ok(None) };
        let mut pages = Pages::default();
        let mut seen = HashSet::from([url.to_owned()]);
        let mut fetched = 0;
        let mut queue = VecDeque::from([(url.to_owned(), Some(first), 0)]);
        while let Some((address, sitemap, depth)) = queue.pop_front() {
            let sitemap = match sitemap.map_or_else(|| self.sitemap(&address, folder), Ok) {
                Ok(sitemap) => sitemap,
                Err(error) => {
                    pages.problems.push((address, error.to_string()));
                    continue;
                }
            };
            let mut problem = |reason: String| pages.problems.push((address.clone(), reason));
            sitemap.broken.into_iter().for_each(&mut problem);
            let (own, foreign): (Vec<_>, Vec<_>) =
                sitemap.addresses.into_iter().partition(|to| is_url(to) && same_host(to, url));
            if let Some(example) = foreign.first() {
                problem(format!(
                    "addresses of other hosts are not read, such as {example} ({} in all)",
                    foreign.len()
                ));
            }
            let mut new = own.into_iter().filter(|to| seen.insert(to.clone())).peekable();
            if sitemap.is_index && depth == MAX_DEPTH {
                problem(format!("sitemaps are nested more than {MAX_DEPTH} deep, the limit"));
            } else if sitemap.is_index {
                let waiting = queue.len();
                queue.extend(new.by_ref().take(MAX_SITEMAPS - fetched).map(|to| (to, None, depth + 1)));
                fetched += queue.len() - waiting;
                if new.peek().is_some() {
                    problem(format!("it leads to more than {MAX_SITEMAPS} sitemaps, the limit"));
                }
            } else {
                pages.urls.extend(new.by_ref().take(MAX_PAGES - pages.urls.len()));
                if new.peek().is_some() {
                    let limit = format!("{MAX_PAGES} pages, the limit; the rest is not read");
                    problem(format!("the sitemap has more than {limit}"));
                    break;
                }
            }
        }
        Ok(Some(pages))
    }

    fn sitemap(&self, url: &str, folder: &Path) -> io::Result<Sitemap> {
        let Reply::Page(page) = self.get(url, None, folder)? else {
            return Err(invalid("the server answered that an unknown page is unchanged"));
        };
        Sitemap::parse(&page.file)?.ok_or_else(|| invalid("this is not a sitemap"))
    }
}

/// What one sitemap lists (<https://www.sitemaps.org/protocol.html>).
#[derive(Default)]
struct Sitemap {
    /// The addresses are sitemaps, not pages.
    is_index: bool,
    addresses: Vec<String>,
    /// Why the list is not complete.
    broken: Option<String>,
}

impl Sitemap {
    /// Parses a file, perhaps compressed. `None` if its first element is not that of a sitemap.
    fn parse(file: &File) -> io::Result<Option<Self>> {
        let mut input = BufReader::new(expand::expanded(file.try_clone()?)?.take(MAX_PAGE_MIB << 20));
        let start =
            String::from_utf8_lossy(input.fill_buf()?).trim_start_matches('\u{feff}').trim_start().to_owned();
        if !["<?xml", "<!--", "<urlset", "<sitemapindex"].iter().any(|root| start.starts_with(root)) {
            return Ok(None);
        }
        let mut sitemap = None;
        let read = Self::read(quick_xml::Reader::from_reader(input), &mut sitemap);
        if let (Err(error), Some(sitemap)) = (read, &mut sitemap) {
            sitemap.broken = Some(format!("broken XML: {error}"));
        }
        Ok(sitemap)
    }

    /// Reads elements up to the first error. No sitemap is left if the root is another element.
    fn read(mut xml: quick_xml::Reader<impl BufRead>, sitemap: &mut Option<Self>) -> quick_xml::Result<()> {
        let mut buffer = Vec::new();
        // The text of a `loc` that is a child of an entry, which is a child of the root.
        let mut address: Option<String> = None;
        let mut depth = 0;
        loop {
            buffer.clear();
            match xml.read_event_into(&mut buffer)? {
                Event::Start(element) => {
                    depth += 1;
                    match (depth, element.local_name().as_ref()) {
                        (1, "urlset") => *sitemap = Some(Self::default()),
                        (1, "sitemapindex") => *sitemap = Some(Self { is_index: true, ..Self::default() }),
                        (1, _) => {
                            *sitemap = None;
                            return Ok(());
                        }
                        (3, "loc") => address = Some(String::new()),
                        _ => {}
                    }
                }
                Event::End(_) => {
                    depth -= 1;
                    if let (2, Some(address), Some(sitemap)) = (depth, address.take(), &mut *sitemap) {
                        let address = address.split('#').next().unwrap_or_default().trim();
                        sitemap
                            .addresses
                            .extend(Some(address.to_owned()).filter(|address| !address.is_empty()));
                    }
                }
                Event::Eof => return Ok(()),
                event => address.iter_mut().for_each(|address| office::push_text(&event, address)),
            }
        }
    }
}

/// The extension of a page's type, or else of its address.
fn extension(mime_type: &str, url: &str) -> String {
    let known = match mime_type.to_lowercase().as_str() {
        "text/html" | "application/xhtml+xml" => "html",
        "text/markdown" => "md",
        "text/csv" => "csv",
        "text/tab-separated-values" => "tsv",
        "application/x-ndjson" | "application/jsonl" | "application/jsonlines" => "jsonl",
        "application/json" => "json",
        "application/xml" | "text/xml" => "xml",
        "application/yaml" | "application/x-yaml" | "text/yaml" => "yaml",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/vnd.oasis.opendocument.spreadsheet" => "ods",
        _ => "",
    };
    let path = url.parse::<Uri>().map(|uri| uri.path().to_owned()).unwrap_or_default();
    let own = inner_extension(Path::new(&path));
    if known.is_empty() || known == "json" && own == "jsonl" { own } else { known.to_owned() }
}

/// Where a redirect leads.
fn redirected(from: &str, location: &str) -> io::Result<String> {
    let refuse = |why: &str| {
        Err(io::Error::other(format!("the page is redirected {why}, which is refused: {location}")))
    };
    let uri: Uri = from.parse().map_err(io::Error::other)?;
    let (scheme, host) =
        (uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |host| host.as_str()));
    let location = location.split('#').next().unwrap_or_default();
    let to = if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{host}{location}")
    } else if location.contains("://") {
        location.to_owned()
    } else {
        let folder = uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{host}{folder}/{location}")
    };
    if !is_url(&to) || scheme == "https" && !to.starts_with("https://") {
        return refuse("to another protocol");
    }
    if is_local(&to) && !is_local(from) {
        return refuse("to an address of a local network");
    }
    Ok(to)
}

fn host(url: &str) -> Option<String> {
    Some(url.parse::<Uri>().ok()?.host()?.to_lowercase())
}

/// Whether two addresses are on one host. `www.` does not count.
fn same_host(a: &str, b: &str) -> bool {
    let bare = |url| host(url).map(|host| host.strip_prefix("www.").unwrap_or(&host).to_owned());
    bare(a).is_some_and(|host| Some(host) == bare(b))
}

/// Whether an address is that of this machine or a private network, by its name.
fn is_local(url: &str) -> bool {
    let Some(host) = host(url) else { return false };
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(ip)) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
        }
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn parse(content: &str) -> Option<Sitemap> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        Sitemap::parse(&file).unwrap()
    }

    #[test]
    fn sitemaps_list_addresses() {
        let sitemap = parse(
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- c --><urlset xmlns=\"x\"><url><loc> https://a.org/?x=1&amp;y=&#50; </loc>\
             <image:image><image:loc>https://a.org/i.png</image:loc></image:image></url><url/>\
             <url><loc><![CDATA[https://a.org/b#c]]></loc></url></urlset>",
        )
        .unwrap();
        assert!(!sitemap.is_index && sitemap.broken.is_none());
        assert_eq!(sitemap.addresses, ["https://a.org/?x=1&y=2", "https://a.org/b"]);
        let index = parse("<sitemapindex><sitemap><loc>https://a.org/1.xml</loc></sitemap>").unwrap();
        assert!(index.is_index);
        assert_eq!(index.addresses, ["https://a.org/1.xml"]);
        let broken = parse("<urlset><url><loc>https://a.org/</loc></url><url></urlset>").unwrap();
        assert!(broken.broken.is_some());
        assert_eq!(broken.addresses.len(), 1);
        for other in ["", "<!doctype html><html>", "<?xml version=\"1.0\"?><posts><row/></posts>", "# urlset"]
        {
            assert!(parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn types_of_pages() {
        for (mime_type, url, expected) in [
            ("text/html", "https://a.org/faq.md", "html"),
            ("text/plain", "https://a.org/faq.MD?raw=1", "md"),
            ("", "https://a.org/faq.jsonl.gz", "jsonl"),
            ("application/json", "https://a.org/faq.jsonl", "jsonl"),
            ("application/json", "https://a.org/faq", "json"),
            ("text/plain", "https://a.org", ""),
        ] {
            assert_eq!(extension(mime_type, url), expected, "{mime_type} {url}");
        }
    }

    #[test]
    fn redirects_are_resolved_and_checked() {
        for (from, location, expected) in [
            ("https://a.org/b/c?d", "/e", "https://a.org/e"),
            ("https://a.org/b/c", "e#f", "https://a.org/b/e"),
            ("https://a.org", "e", "https://a.org/e"),
            ("http://a.org:8080/b", "//c.org/d", "http://c.org/d"),
            ("http://a.org/b", "https://c.org/d", "https://c.org/d"),
            ("http://127.0.0.1/b", "http://localhost/d", "http://localhost/d"),
        ] {
            assert_eq!(redirected(from, location).unwrap(), expected, "{from} {location}");
        }
        for (from, location) in [
            ("https://a.org/", "http://a.org/"),
            ("https://a.org/", "file:///etc/passwd"),
            ("http://a.org/", "http://127.0.0.1/"),
            ("http://a.org/", "http://[::1]/"),
            ("http://a.org/", "//LOCALHOST/"),
            ("http://a.org/", "http://192.168.0.1/"),
            ("http://a.org/", "ftp://b.org/"),
        ] {
            assert!(redirected(from, location).is_err(), "{from} {location}");
        }
        assert!(same_host("https://www.a.org/x", "http://A.org"));
        assert!(!same_host("https://b.a.org/x", "http://a.org"));
    }
}
