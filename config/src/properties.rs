//! The syntax of `server.properties`: that of Java's `Properties`, read as UTF-8.
//!
//! A line is a comment (`#` or `!`), or a key and a value parted by `=`, `:` or white space. A
//! backslash at the end of a line continues it; elsewhere it escapes the next character.

use std::iter::Peekable;
use std::str::Chars;

/// One key and its value, and the line on which it begins, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) line: usize,
    pub(crate) key: String,
    pub(crate) value: String,
}

/// What cannot be read, on which line, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: usize,
    pub(crate) reason: String,
    pub(crate) suggestion: &'static str,
}

pub(crate) fn parse(text: &str) -> (Vec<Property>, Vec<SyntaxError>) {
    let (mut properties, mut errors) = (Vec::new(), Vec::new());
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_string();
        let mut complete = true;
        while complete && ends_with_escape(&whole) {
            whole.pop();
            match lines.next() {
                Some((_, next)) => whole.push_str(next.trim_start()),
                None => complete = false,
            }
        }
        let line = number + 1;
        let mut wrong = |reason: String, suggestion| {
            errors.push(SyntaxError { line, reason, suggestion });
        };
        match property(&whole) {
            // Java takes it. It is a file that was cut off, or an edit that was not finished.
            _ if !complete => wrong(
                "the file ends with a backslash, which announces another line".into(),
                "remove the backslash, or add the rest",
            ),
            Ok((key, _)) if key.is_empty() => {
                wrong("there is no key before the separator".into(), "write key=value");
            }
            Ok((key, value)) => properties.push(Property { line, key, value }),
            Err(why) => wrong(why, "write the character itself, or \\\\ for a backslash"),
        }
    }
    (properties, errors)
}

/// An odd number of backslashes at the end: the last one escapes the line break.
fn ends_with_escape(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn property(line: &str) -> Result<(String, String), String> {
    let is_blank = |it: &char| matches!(it, ' ' | '\t' | '\u{c}');
    let mut characters = line.chars().peekable();
    let mut key = String::new();
    while let Some(next) = characters.next_if(|it| !is_blank(it) && !matches!(it, '=' | ':')) {
        unescape(next, &mut characters, &mut key)?;
    }
    while characters.next_if(is_blank).is_some() {}
    if characters.next_if(|it| matches!(it, '=' | ':')).is_some() {
        while characters.next_if(is_blank).is_some() {}
    }
    let mut value = String::new();
    while let Some(next) = characters.next() {
        unescape(next, &mut characters, &mut value)?;
    }
    Ok((key, value))
}

fn unescape(
    next: char,
    characters: &mut Peekable<Chars<'_>>,
    into: &mut String,
) -> Result<(), String> {
    if next != '\\' {
        into.push(next);
        return Ok(());
    }
    match characters.next() {
        Some('t') => into.push('\t'),
        Some('n') => into.push('\n'),
        Some('r') => into.push('\r'),
        Some('f') => into.push('\u{c}'),
        Some('u') => {
            let malformed = || "\\u must be followed by four hexadecimal digits".to_string();
            let first = code_unit(characters).ok_or_else(malformed)?;
            let mut units = vec![first];
            // A character outside the basic plane is written as two escapes.
            if (0xD800..0xDC00).contains(&first) {
                let escaped = characters.next() == Some('\\') && characters.next() == Some('u');
                let second = if escaped { code_unit(characters) } else { None };
                units.push(second.ok_or_else(malformed)?);
            }
            into.push_str(&String::from_utf16(&units).map_err(|_| malformed())?);
        }
        Some(other) => into.push(other),
        None => {}
    }
    Ok(())
}

fn code_unit(characters: &mut Peekable<Chars<'_>>) -> Option<u16> {
    let digits: String = characters.by_ref().take(4).collect();
    let hexadecimal = digits.len() == 4 && digits.bytes().all(|it| it.is_ascii_hexdigit());
    if hexadecimal { u16::from_str_radix(&digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(usize, String, String)> {
        let (properties, errors) = parse(text);
        assert_eq!(errors, []);
        properties.into_iter().map(|it| (it.line, it.key, it.value)).collect()
    }

    fn pair(text: &str) -> (String, String) {
        let (_, key, value) = pairs(text).remove(0);
        (key, value)
    }

    #[test]
    fn separators_are_equals_colon_and_white_space() {
        for text in ["a=b", "a:b", "a b", "a = b", "  a\t:  b", "a  b"] {
            assert_eq!(pair(text), ("a".into(), "b".into()), "{text:?}");
        }
        assert_eq!(pair("a==b"), ("a".into(), "=b".into()));
        assert_eq!(pair("a"), ("a".into(), "".into()));
        assert_eq!(pair("a=PLAINTEXT://:9092"), ("a".into(), "PLAINTEXT://:9092".into()));
    }

    #[test]
    fn comments_and_empty_lines_are_skipped_and_lines_counted() {
        let text = "# one\n\n! two\n  # three\na=1\r\nb=\\\n   2\\\n   3\nc=4";
        assert_eq!(
            pairs(text),
            [
                (5, "a".into(), "1".into()),
                (6, "b".into(), "23".into()),
                (9, "c".into(), "4".into())
            ]
        );
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(pair("a\\:b\\=c\\ d=e\\tf"), ("a:b=c d".into(), "e\tf".into()));
        assert_eq!(pair("a=\\u0041\\u00e9"), ("a".into(), "A\u{e9}".into()));
        assert_eq!(pair("a=\\ud83d\\ude00"), ("a".into(), "\u{1f600}".into()));
        assert_eq!(pair("a=b\\\\"), ("a".into(), "b\\".into()));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_line() {
        for text in [
            "\na=\\u12",
            "\na=\\uzzzz",
            "\na=\\ud83d",
            "\na=\\ud83d\\u0041",
            "\na=b\\",
            "\na=b,\\\n  c\\",
            "\n=b",
        ] {
            let (properties, errors) = parse(text);
            assert_eq!((properties.len(), errors[0].line), (0, 2), "{text:?}");
        }
    }
}
