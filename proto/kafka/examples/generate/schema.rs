//! Reads the `*.schema` files; `schemas/README.md` describes their form.

use std::path::Path;

/// A range of versions, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) min: i16,
    pub(crate) max: i16,
}

impl Versions {
    pub(crate) const NONE: Self = Self { min: i16::MAX, max: -1 };

    pub(crate) fn contains(self, version: i16) -> bool {
        (self.min..=self.max).contains(&version)
    }

    pub(crate) fn intersect(self, other: Self) -> Self {
        Self { min: self.min.max(other.min), max: self.max.min(other.max) }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.min > self.max
    }

    fn parse(text: &str) -> Self {
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("bad version {text:?}"));
        if text == "none" {
            Self::NONE
        } else if let Some(min) = text.strip_suffix('+') {
            Self { min: number(min), max: i16::MAX }
        } else {
            let (min, max) = text.split_once('-').unwrap_or((text, text));
            Self { min: number(min), max: number(max) }
        }
    }
}

/// What a message is for, the first word of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Response,
    /// Stored or embedded somewhere, not sent by itself.
    Data,
}

/// The type of a field or array element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Int64,
    Float64,
    Uuid,
    String,
    Bytes,
    Records,
    Struct(String),
    Array(Box<Type>),
}

impl Type {
    fn parse(text: &str) -> Self {
        match text {
            "bool" => Self::Bool,
            "int8" => Self::Int8,
            "int16" => Self::Int16,
            "uint16" => Self::Uint16,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "float64" => Self::Float64,
            "uuid" => Self::Uuid,
            "string" => Self::String,
            "bytes" => Self::Bytes,
            "records" => Self::Records,
            _ => match text.strip_prefix("[]") {
                Some(element) => Self::Array(Box::new(Self::parse(element))),
                None => Self::Struct(text.to_owned()),
            },
        }
    }

    /// The struct that this type is or has as elements.
    pub(crate) fn struct_name(&self) -> Option<&str> {
        match self {
            Self::Struct(name) => Some(name),
            Self::Array(element) => element.struct_name(),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Type,
    pub(crate) versions: Versions,
    pub(crate) nullable: Versions,
    pub(crate) tag: Option<u32>,
    pub(crate) default: Option<String>,
    pub(crate) ignorable: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
}

/// A message: its own fields are those of the first struct, nested ones follow.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) key: i16,
    pub(crate) versions: Versions,
    pub(crate) flexible: Versions,
    pub(crate) structs: Vec<Struct>,
}

impl Message {
    pub(crate) fn find(&self, name: &str) -> &Struct {
        let found = self.structs.iter().find(|s| s.name == name);
        found.unwrap_or_else(|| panic!("{}: no struct {name}", self.name))
    }

    /// The versions in which a struct can be part of the message.
    pub(crate) fn versions_of(&self, name: &str) -> Versions {
        if name == self.name {
            return self.versions;
        }
        let mut versions = Versions::NONE;
        for each in &self.structs {
            for field in each.fields.iter().filter(|f| f.kind.struct_name() == Some(name)) {
                let here = field.versions.intersect(self.versions_of(&each.name));
                versions.min = versions.min.min(here.min);
                versions.max = versions.max.max(here.max);
            }
        }
        versions
    }

    /// The first flexible version, or `i16::MAX`.
    pub(crate) fn flexible_from(&self) -> i16 {
        self.flexible.min
    }
}

/// One schema file: the messages of one API, or related data.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) messages: Vec<Message>,
}

/// All schema files of a folder, by name.
pub(crate) fn read_folder(folder: &Path) -> Vec<File> {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable folder").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "schema"));
    paths.sort();
    let read = |path: &std::path::PathBuf| File {
        name: path.file_stem().expect("a file name").to_string_lossy().into_owned(),
        messages: parse(&std::fs::read_to_string(path).expect("readable schema")),
    };
    paths.iter().map(read).collect()
}

fn parse(text: &str) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    // The struct that each level of indentation adds fields to.
    let mut open: Vec<usize> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let depth = (line.len() - line.trim_start().len()) / 2;
        let words: Vec<&str> = line.split_whitespace().collect();
        if depth == 0 {
            messages.push(parse_message(&words));
            open = vec![0];
            continue;
        }
        let message = messages.last_mut().expect("a message comes first");
        open.truncate(depth);
        if words[0] == "struct" {
            message.structs.push(Struct { name: words[1].to_owned(), fields: Vec::new() });
            open.push(message.structs.len() - 1);
            continue;
        }
        let field = parse_field(&words);
        // A field of a struct type may be followed by the fields of that struct.
        if let Some(name) = field.kind.struct_name() {
            message.structs.push(Struct { name: name.to_owned(), fields: Vec::new() });
            open.push(message.structs.len() - 1);
        }
        message.structs[open[depth - 1]].fields.push(field);
    }
    for message in &mut messages {
        // Drops the empty structs of fields whose struct stands elsewhere.
        message.structs.retain(|each| !each.fields.is_empty() || each.name == message.name);
    }
    messages
}

fn parse_message(words: &[&str]) -> Message {
    let kind = match words[0] {
        "request" => Kind::Request,
        "response" => Kind::Response,
        _ => Kind::Data,
    };
    let name = words[1].to_owned();
    let fields = vec![Struct { name: name.clone(), fields: Vec::new() }];
    Message {
        kind,
        name,
        key: attribute(words, "key").map_or(-1, |key| key.parse().expect("a number as key")),
        versions: Versions::parse(attribute(words, "versions").expect("versions=")),
        flexible: Versions::parse(attribute(words, "flexible").expect("flexible=")),
        structs: fields,
    }
}

fn parse_field(words: &[&str]) -> Field {
    Field {
        name: words[0].strip_suffix(':').expect("a colon behind the name").to_owned(),
        kind: Type::parse(words[1]),
        versions: Versions::parse(words[2]),
        nullable: attribute(words, "nullable").map_or(Versions::NONE, Versions::parse),
        tag: attribute(words, "tag").map(|tag| tag.parse().expect("a number as tag")),
        default: attribute(words, "default").map(str::to_owned),
        ignorable: words.contains(&"ignorable"),
    }
}

fn attribute<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}
