//! Dates as sources write them → ISO 8601.

/// The names of months, as far as they tell them apart.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A date as `YYYY-MM-DD`, or with a time as RFC 3339 in UTC and whole seconds (`2024-03-01T10:20:30Z`), so that
/// dates can be compared as text. A time without an offset is taken as UTC.
///
/// Reads ISO 8601, RFC 2822, Unix time in seconds, milliseconds or microseconds, `20240301`, `2024/3/1`,
/// `1.3.2024`, `March 1, 2024` and `1 Mar 2024 10:20`. `None` for anything else; `3/1/2024` is ambiguous.
pub fn normalized(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    if text.bytes().filter(|byte| *byte == b'.').count() < 2
        && whole.bytes().all(|byte| byte.is_ascii_digit())
    {
        let number: i64 = whole.parse().ok()?;
        return match whole.len() {
            8 => day(number / 10_000, number / 100 % 100, number % 100).map(date_text),
            9 | 10 => Some(time_text(number)),
            12 | 13 => Some(time_text(number / 1_000)),
            15 | 16 => Some(time_text(number / 1_000_000)),
            _ => None,
        };
    }
    let (date, time) = in_words(text).or_else(|| in_numbers(text))?;
    if time.is_empty() { Some(date_text(date)) } else { Some(time_text(date * 86_400 + seconds(time)?)) }
}

/// The first and the last second of a year (`2024`), a month (`2024-03`), or of a date or time as
/// [`normalized`] reads it, in seconds since 1970 (UTC).
pub fn span(text: &str) -> Option<(i64, i64)> {
    let text = text.trim();
    if let Some((year, month)) = year_and_month(text) {
        let (first, last) = (month.unwrap_or(1), month.unwrap_or(12));
        let last_day = (28..=31).rev().find_map(|of_month| day(year, last, of_month))?;
        return Some((day(year, first, 1)? * 86_400, last_day * 86_400 + 86_399));
    }
    let date = normalized(text)?;
    let (date, time) = in_numbers(&date)?;
    let start = date * 86_400;
    match time {
        "" => Some((start, start + 86_399)),
        time => seconds(time).map(|of_day| (start + of_day, start + of_day)),
    }
}

/// The year of a time in seconds since 1970 (UTC).
pub fn year(seconds: i64) -> i64 {
    date_parts(seconds.div_euclid(86_400)).0
}

/// `2024` or `2024-03` → the year and the month.
fn year_and_month(text: &str) -> Option<(i64, Option<i64>)> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    match text.split_once('-') {
        None if text.len() == 4 => Some((number(text)?, None)),
        Some((year, month)) if year.len() == 4 && (1..=2).contains(&month.len()) => {
            Some((number(year)?, Some(number(month)?)))
        }
        _ => None,
    }
}

/// `2024-03-01T10:20:30Z` → the day, and the text of the time.
fn in_numbers(text: &str) -> Option<(i64, &str)> {
    let end = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let (date, time) = (&text[..end], text[end..].get(1..).unwrap_or_default().trim());
    let separator = date.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = date.split(separator).collect();
    let number = |at: usize| parts[at].parse::<u16>().ok().map(i64::from);
    let date = match parts.iter().map(|part| part.len()).collect::<Vec<_>>()[..] {
        [4, 1..=2, 1..=2] => day(number(0)?, number(1)?, number(2)?)?,
        [1..=2, 1..=2, 4] if separator == '.' => day(number(2)?, number(1)?, number(0)?)?,
        _ => return None,
    };
    Some((date, time))
}

/// `Fri, 1 Mar 2024 10:20:30 +0100`, `March 1st, 2024` → the day, and the text of the time.
fn in_words(text: &str) -> Option<(i64, &str)> {
    let (mut month, mut of_month, mut year, mut time) = (None, None, None, "");
    let mut words = text.split([' ', ',']).filter(|word| !word.is_empty());
    for word in words.by_ref() {
        let lower = word.trim_end_matches('.').to_ascii_lowercase();
        let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        if word.contains(':') {
            time = &text[word.as_ptr() as usize - text.as_ptr() as usize..];
            break;
        } else if digits.is_empty() {
            let known = MONTHS.iter().position(|month| lower.starts_with(month));
            month = month.or(known.map(|at| at as i64 + 1));
        } else if digits.len() == 4 {
            year = Some(digits.parse().ok()?);
        } else {
            of_month = Some(digits.parse::<u8>().ok()?.into());
        }
    }
    Some((day(year?, month?, of_month?)?, time))
}

/// `10:20:30.5+02:00` → seconds since midnight, UTC.
fn seconds(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(text.len());
    let (clock, zone) = (&text[..end], text[end..].trim());
    let mut parts = clock.split(':').map(|part| part.split('.').next()?.parse::<u8>().ok().map(i64::from));
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    let (hour, zone) = match (zone.get(..2).unwrap_or_default().to_ascii_lowercase().as_str(), hour) {
        ("am", 12) => (0, &zone[2..]),
        ("pm", 1..12) => (hour + 12, &zone[2..]),
        ("am" | "pm", _) => (hour, &zone[2..]),
        _ => (hour, zone),
    };
    if hour > 23 || minute > 59 || second > 60 || parts.next().is_some() {
        return None;
    }
    let offset = match zone.trim() {
        "" | "Z" | "z" | "UTC" | "GMT" => 0,
        zone => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let digits = zone.strip_prefix(['+', '-'])?.replace(':', "");
            let number: i64 = digits.parse::<u16>().ok()?.into();
            sign * if digits.len() < 3 { number * 3_600 } else { number / 100 * 3_600 + number % 100 * 60 }
        }
    };
    Some(hour * 3_600 + minute * 60 + second - offset)
}

/// Days since 1970 of a date that exists, from the year 1000 to 9999.
///
/// Years begin in March here, which puts the leap day at the end
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1000..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (from_march, march_year) = ((month + 9) % 12, year - i64::from(month < 3));
    let days = march_year * 365 + march_year / 4 - march_year / 100
        + march_year / 400
        + (153 * from_march + 2) / 5
        + day
        - 719_469;
    // 31 April is 1 May.
    (date_parts(days) == (year, month, day)).then_some(days)
}

/// The year, month and day of a number of days since 1970.
fn date_parts(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + i64::from(month < 3), month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

fn date_text(days: i64) -> String {
    let (year, month, day) = date_parts(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time in seconds since 1970 (UTC) as RFC 3339: `2024-03-01T10:20:30Z`.
pub fn time_text(seconds: i64) -> String {
    let (date, of_day) = (date_text(seconds.div_euclid(86_400)), seconds.rem_euclid(86_400));
    format!("{date}T{:02}:{:02}:{:02}Z", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_many_ways() {
        for (text, expected) in [
            ("2024-02-29", "2024-02-29"),
            ("2024/3/1", "2024-03-01"),
            ("1.3.2024", "2024-03-01"),
            ("20240301", "2024-03-01"),
            ("March 1st, 2024", "2024-03-01"),
            ("1 Sept. 2024", "2024-09-01"),
            ("2008-07-31T21:42:52.667", "2008-07-31T21:42:52Z"),
            ("2024-03-01 00:20", "2024-03-01T00:20:00Z"),
            ("2024-03-01T00:20:30+02:00", "2024-02-29T22:20:30Z"),
            ("2024-12-31T23:00:00-0130", "2025-01-01T00:30:00Z"),
            ("Fri, 1 Mar 2024 10:20:30 GMT", "2024-03-01T10:20:30Z"),
            ("Mar 1, 2024 1:05 PM", "2024-03-01T13:05:00Z"),
            ("1709288430", "2024-03-01T10:20:30Z"),
            ("1709288430.25", "2024-03-01T10:20:30Z"),
            ("1709288430000", "2024-03-01T10:20:30Z"),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(normalized(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_or_ambiguous_is_none() {
        for text in [
            "",
            "2023-02-29",
            "2024-13-01",
            "3/1/2024",
            "2024",
            "yesterday",
            "1.2",
            "12:30",
            "2024-03-01T25:00",
            "1.3.2.4",
            "May",
            "v2024-03-01",
        ] {
            assert_eq!(normalized(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_covers_a_year_a_month_a_day_or_a_second() {
        for (text, first, last) in [
            ("2024", "2024-01-01T00:00:00Z", "2024-12-31T23:59:59Z"),
            ("2024-02", "2024-02-01T00:00:00Z", "2024-02-29T23:59:59Z"),
            ("2024-12", "2024-12-01T00:00:00Z", "2024-12-31T23:59:59Z"),
            ("2024-03-01", "2024-03-01T00:00:00Z", "2024-03-01T23:59:59Z"),
            ("1.3.2024", "2024-03-01T00:00:00Z", "2024-03-01T23:59:59Z"),
            ("2024-03-01T10:20:30Z", "2024-03-01T10:20:30Z", "2024-03-01T10:20:30Z"),
            ("1969-12-31", "1969-12-31T00:00:00Z", "1969-12-31T23:59:59Z"),
        ] {
            let found = span(text).map(|(first, last)| (time_text(first), time_text(last)));
            assert_eq!(found, Some((first.to_owned(), last.to_owned())), "{text}");
        }
        for text in ["", "24", "2024-13", "2024-1-", "2024-", "3/1/2024", "9999-99", "yesterday"] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_comes_back() {
        for days in (-300_000..2_900_000).step_by(17) {
            let (year, month, of_month) = date_parts(days);
            assert_eq!(day(year, month, of_month), (1000..=9999).contains(&year).then_some(days));
        }
        proptest::proptest!(|(text in "[0-9TZ:. /+-]{0,30}|(mar|1|2024|, |:| ){0,9}|\\PC{0,20}")| {
            normalized(&text);
            span(&text);
        });
    }
}
