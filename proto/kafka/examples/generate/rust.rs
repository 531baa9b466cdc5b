//! Turns schemas into Rust: plain structs, and code that reads and writes each version of them.
//!
//! The code of a struct follows the schema field by field, with a condition on the version where a
//! field is not in all of them, so that it can be compared with the schema by eye.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::schema::{Field, File, Kind, Message, Struct, Type, Versions};

/// The generated files: name and content, formatted.
pub(crate) fn generate(files: &[File]) -> Vec<(String, String)> {
    let mut outputs: Vec<_> =
        files.iter().map(|file| (format!("{}.rs", file.name), file_text(file))).collect();
    outputs.push(("mod.rs".to_owned(), module_text(files)));
    for (_, text) in &mut outputs {
        *text = rustfmt(text);
    }
    outputs
}

fn rustfmt(text: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path", root])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("rustfmt is part of the toolchain: rustup component add rustfmt");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(text.as_bytes()).expect("rustfmt reads");
    drop(stdin);
    let output = child.wait_with_output().expect("rustfmt ends");
    assert!(output.status.success(), "rustfmt refuses:\n{text}");
    String::from_utf8(output.stdout).expect("rustfmt writes UTF-8")
}

fn module_text(files: &[File]) -> String {
    let mut out = String::from(
        "//! Every message, one module per API, generated from `schemas/` by `examples/generate`.\n\
         //!\n\
         //! A module holds the request, the response and their nested structs under the names that\n\
         //! Kafka's schemas give them. Where request and response nest different structs of one\n\
         //! name, the response's is called `Response...`. Requests, responses and data schemas are\n\
         //! also re-exported here.\n\n",
    );
    for file in files {
        writeln!(out, "pub mod {};", file.name).unwrap();
    }
    for file in files {
        let names: Vec<_> = file.messages.iter().map(|m| m.name.as_str()).collect();
        writeln!(out, "pub use {}::{{{}}};", file.name, names.join(", ")).unwrap();
    }
    out.push_str(
        "\n/// Calls a macro with the name of every API, as `Produce ProduceRequest ProduceResponse;`\n\
         /// and so on, for code that must not forget one.\n\
         #[macro_export]\n\
         macro_rules! with_every_api { ($macro:ident) => { $macro! {\n",
    );
    for file in files.iter().filter(|file| file.messages[0].kind == Kind::Request) {
        let [request, response] = file.messages.as_slice() else {
            panic!("{}: an API has a request and a response", file.name)
        };
        let api = request.name.strip_suffix("Request").expect("a request's name");
        writeln!(out, "{api} {} {};", request.name, response.name).unwrap();
    }
    out.push_str("} }; }\n");
    out
}

fn file_text(file: &File) -> String {
    let about = match file.messages[0].kind {
        Kind::Data => format!("The data schemas of `{}`", file.name),
        _ => {
            let api = file.messages[0].name.trim_end_matches("Request");
            format!("{api} (api key {})", file.messages[0].key)
        }
    };
    let mut body = String::new();
    for message in &file.messages {
        body.push_str(&message_text(message, &clashes(file, message)));
    }
    let mut out =
        format!("//! {about}; generated from `schemas/{}.schema`, do not edit.\n\n", file.name);
    let uses = |word: &str| {
        body.split(|c: char| !c.is_alphanumeric() && c != '_').any(|each| each == word)
    };
    if uses("RangeInclusive") {
        out.push_str("use std::ops::RangeInclusive;\n\n");
    }
    for (name, path) in [("Bytes", "bytes::Bytes"), ("Uuid", "uuid::Uuid")] {
        if uses(name) {
            writeln!(out, "use {path};").unwrap();
        }
    }
    out.push('\n');
    for (name, path) in
        [("required", "encoder::required"), ("DecodeReason", "decoder::DecodeReason")]
    {
        if uses(name) {
            writeln!(out, "use crate::{path};").unwrap();
        }
    }
    let names = [
        "Chunks",
        "Data",
        "DecodeError",
        "Decoder",
        "EncodeError",
        "Encoder",
        "Message",
        "Request",
        "Str",
    ];
    let used: Vec<_> = names.into_iter().filter(|name| uses(name)).collect();
    writeln!(out, "use crate::{{{}}};\n", used.join(", ")).unwrap();
    out + &body
}

/// Nested names of a response that its request uses for something else.
fn clashes(file: &File, message: &Message) -> BTreeSet<String> {
    if message.kind != Kind::Response {
        return BTreeSet::new();
    }
    let names = |message: &Message| -> BTreeSet<_> {
        message.structs.iter().map(|each| each.name.clone()).collect()
    };
    let request = &file.messages[0];
    names(request).intersection(&names(message)).cloned().collect()
}

struct Context<'a> {
    message: &'a Message,
    clashes: &'a BTreeSet<String>,
    /// The versions of the message that can hold the struct at hand.
    known: Versions,
}

fn message_text(message: &Message, clashes: &BTreeSet<String>) -> String {
    let mut out = String::new();
    for each in &message.structs {
        let context = Context { message, clashes, known: message.versions_of(&each.name) };
        context.definition(&mut out, each);
        context.codec(&mut out, each);
    }
    out
}

impl Context<'_> {
    fn definition(&self, out: &mut String, each: &Struct) {
        let name = self.rust_name(&each.name);
        if each.name == self.message.name {
            let versions = self.message.versions;
            let what = match self.message.kind {
                Kind::Request => "Request",
                Kind::Response => "Response",
                Kind::Data => "Data",
            };
            writeln!(out, "/// {what}, versions {} to {}.", versions.min, versions.max).unwrap();
        } else {
            writeln!(out, "/// Part of [`{}`].", self.message.name).unwrap();
        }
        let plain = each.fields.iter().all(|field| self.default_is_derived(field));
        let derive =
            if plain { "Clone, Debug, Default, PartialEq" } else { "Clone, Debug, PartialEq" };
        writeln!(out, "#[derive({derive})]\npub struct {name} {{").unwrap();
        for field in &each.fields {
            let versions = field.versions.intersect(self.known);
            let doc = self.field_doc(field, versions);
            writeln!(out, "/// {doc}\npub {}: {},", rust_field(&field.name), self.rust_type(field))
                .unwrap();
        }
        out.push_str("}\n\n");
        if !plain {
            writeln!(out, "impl Default for {name} {{ fn default() -> Self {{ Self {{").unwrap();
            for field in &each.fields {
                writeln!(out, "{}: {},", rust_field(&field.name), self.default(field)).unwrap();
            }
            out.push_str("} } }\n\n");
        }
    }

    fn field_doc(&self, field: &Field, versions: Versions) -> String {
        let all = self.message.versions;
        let mut doc = format!("`{}`", field.name);
        if versions == all {
            doc.push_str(", all versions");
        } else if versions.max == all.max {
            write!(doc, ", versions {}+", versions.min).unwrap();
        } else {
            write!(doc, ", versions {} to {}", versions.min, versions.max).unwrap();
        }
        let nullable = field.nullable.intersect(versions);
        if nullable == versions {
            doc.push_str(", nullable");
        } else if !nullable.is_empty() {
            write!(doc, ", nullable {}+", nullable.min).unwrap();
        }
        doc.push('.');
        doc
    }

    fn codec(&self, out: &mut String, each: &Struct) {
        let name = self.rust_name(&each.name);
        let top = each.name == self.message.name;
        let mut decode = self.decode_body(each);
        let mut encode = self.encode_body(each);
        for body in [&mut decode, &mut encode] {
            let flexible = match self.range_condition(self.message.flexible) {
                Condition::Always => "true".to_owned(),
                Condition::Never => "false".to_owned(),
                Condition::If { yes, .. } => yes,
            };
            if mentions(body, "flexible") {
                body.insert_str(0, &format!("let flexible = {flexible};\n"));
            }
        }
        if top {
            self.top_level(out, &name, &decode, &encode);
        } else {
            let parameter = |body: &str| if mentions(body, "version") { "version" } else { "_" };
            writeln!(
                out,
                "impl {name} {{
                    fn decode(d: &mut Decoder, {}: i16) -> Result<Self, DecodeError> {{ {decode} }}

                    fn encode(&self, e: &mut Encoder, {}: i16) -> Result<(), EncodeError> {{
                        {encode}
                    }}
                }}\n",
                parameter(&decode),
                parameter(&encode),
            )
            .unwrap();
        }
    }

    fn top_level(&self, out: &mut String, name: &str, decode: &str, encode: &str) {
        let message = self.message;
        let versions = message.versions;
        let flexible_from = match message.flexible_from() {
            i16::MAX => "i16::MAX".to_owned(),
            from => from.to_string(),
        };
        let (name_of_trait, key) = match message.kind {
            Kind::Data => ("Data", String::new()),
            _ => ("Message", format!("const API_KEY: i16 = {};\n", message.key)),
        };
        // Within this body `self` may be unused by a message without fields.
        writeln!(
            out,
            "impl {name_of_trait} for {name} {{
                const NAME: &'static str = \"{name}\";
                {key}const VERSIONS: RangeInclusive<i16> = {}..={};
                const FLEXIBLE_FROM: i16 = {flexible_from};

                fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {{
                    if !Self::VERSIONS.contains(&version) {{
                        let message = Self::NAME;
                        return Err(d.error(DecodeReason::UnsupportedVersion {{ message, version }}));
                    }}
                    {decode}
                }}

                fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {{
                    if !Self::VERSIONS.contains(&version) {{
                        let message = Self::NAME;
                        return Err(EncodeError::UnsupportedVersion {{ message, version }});
                    }}
                    {encode}
                }}
            }}\n",
            versions.min, versions.max,
        )
        .unwrap();
        if message.kind == Kind::Request {
            let response = name.replace("Request", "Response");
            writeln!(out, "impl Request for {name} {{ type Response = {response}; }}\n").unwrap();
        }
    }

    fn decode_body(&self, each: &Struct) -> String {
        let mut out = String::new();
        for field in &each.fields {
            let name = rust_field(&field.name);
            if field.tag.is_some() {
                writeln!(out, "let mut {name} = {};", self.default(field)).unwrap();
                continue;
            }
            match self.field_condition(field) {
                Condition::Always => writeln!(out, "let {name} = {};", self.read(field)),
                Condition::Never => writeln!(out, "let {name} = {};", self.default(field)),
                Condition::If { yes: condition, .. } => writeln!(
                    out,
                    "let {name} = if {condition} {{ {} }} else {{ {} }};",
                    self.read(field),
                    self.default(field)
                ),
            }
            .unwrap();
        }
        self.decode_tags(&mut out, each);
        let names: Vec<_> = each.fields.iter().map(|field| rust_field(&field.name)).collect();
        writeln!(out, "Ok(Self {{ {} }})", names.join(", ")).unwrap();
        out
    }

    fn decode_tags(&self, out: &mut String, each: &Struct) {
        let tagged: Vec<_> = each.fields.iter().filter(|field| field.tag.is_some()).collect();
        let skip = if tagged.is_empty() {
            "d.skip_tags()?;".to_owned()
        } else {
            let mut arms = String::new();
            for field in tagged {
                let guard = match self.field_condition_where_flexible(field) {
                    Condition::Always => String::new(),
                    Condition::Never => continue,
                    Condition::If { yes: condition, .. } => format!(" if {condition}"),
                };
                let (tag, name) = (field.tag.expect("tagged"), rust_field(&field.name));
                writeln!(arms, "{tag}{guard} => {name} = {},", self.read(field)).unwrap();
            }
            format!(
                "for _ in 0..d.tag_count()? {{
                    let tag = d.begin_tag()?;
                    match tag.number {{ {arms} _ => d.skip_tag(), }}
                    d.end_tag(tag)?;
                }}"
            )
        };
        self.if_flexible(out, &skip);
    }

    fn encode_body(&self, each: &Struct) -> String {
        let mut out = String::new();
        for field in each.fields.iter().filter(|field| field.tag.is_none()) {
            let refusal = self.refusal(each, field);
            match self.field_condition(field) {
                Condition::Always => writeln!(out, "{}", self.write(each, field)),
                Condition::Never => writeln!(out, "{}", refusal.unwrap_or_default()),
                Condition::If { yes: condition, .. } => {
                    let write = self.write(each, field);
                    let otherwise =
                        refusal.map_or(String::new(), |refuse| format!("else {refuse}"));
                    writeln!(out, "if {condition} {{ {write} }} {otherwise}")
                }
            }
            .unwrap();
        }
        self.encode_tags(&mut out, each);
        out.push_str("Ok(())\n");
        out
    }

    fn encode_tags(&self, out: &mut String, each: &Struct) {
        let tagged: Vec<_> = each.fields.iter().filter(|field| field.tag.is_some()).collect();
        for field in &tagged {
            // A tagged field that the version lacks is refused like any other.
            if let Condition::If { no, .. } = self.field_condition(field)
                && !field.ignorable
            {
                let refusal = refuse(each, field);
                let value = self.is_not_default(field);
                writeln!(out, "if {no} && {value} {{ {refusal} }}").unwrap();
            }
        }
        if tagged.is_empty() {
            self.if_flexible(out, "e.no_tags();");
            return;
        }
        let mut fields = String::from("let tags = e.begin_tags();\n");
        for field in tagged {
            let mut conditions = Vec::new();
            if let Condition::If { yes: condition, .. } = self.field_condition_where_flexible(field)
            {
                conditions.push(condition);
            }
            conditions.push(self.is_not_default(field));
            writeln!(
                fields,
                "if {} {{
                    let start = e.begin_tag(&tags, {});
                    {}
                    e.end_tag(start);
                }}",
                conditions.join(" && "),
                field.tag.expect("tagged"),
                self.write(each, field)
            )
            .unwrap();
        }
        self.if_flexible(out, &fields);
    }

    fn if_flexible(&self, out: &mut String, code: &str) {
        match self.range_condition(self.message.flexible) {
            Condition::Always => writeln!(out, "{code}"),
            Condition::Never => Ok(()),
            Condition::If { .. } => writeln!(out, "if flexible {{ {code} }}"),
        }
        .unwrap();
    }

    /// What happens to a field that the version lacks; none when it is silently dropped.
    fn refusal(&self, each: &Struct, field: &Field) -> Option<String> {
        let value = self.is_not_default(field);
        (!field.ignorable).then(|| format!("if {value} {{ {} }}", refuse(each, field)))
    }

    fn read(&self, field: &Field) -> String {
        let versions = field.versions.intersect(self.known);
        match self.nullability(field, versions) {
            Condition::Always => self.read_value(&field.kind, true, false, versions),
            Condition::Never => {
                self.read_value(&field.kind, false, self.is_optional(field), versions)
            }
            Condition::If { yes: condition, .. } => format!(
                "if {condition} {{ {} }} else {{ {} }}",
                self.read_value(&field.kind, true, false, versions),
                self.read_value(&field.kind, false, true, versions)
            ),
        }
    }

    /// Reads a value; `nullable` gives an `Option`, `wrap` makes one of a value that is not null.
    fn read_value(&self, kind: &Type, nullable: bool, wrap: bool, versions: Versions) -> String {
        let prefix = if nullable { "nullable_" } else { "" };
        let value = match kind {
            Type::String => format!("d.{prefix}string(flexible)?"),
            Type::Bytes => format!("d.{prefix}bytes(flexible)?"),
            Type::Records => format!("d.{prefix}records(flexible)?"),
            Type::Struct(name) => {
                let decode = format!("{}::decode(d, version)?", self.rust_name(name));
                if nullable {
                    format!("if d.present()? {{ Some({decode}) }} else {{ None }}")
                } else {
                    decode
                }
            }
            Type::Array(element) => {
                let size = self.size_min(element, versions).max(1);
                let read = match element.as_ref() {
                    Type::Struct(name) => format!("{}::decode", self.rust_name(name)),
                    // Only a string's form depends on the version.
                    Type::String => match self.range_condition(self.message.flexible) {
                        Condition::If { yes: condition, .. } => {
                            format!("|d, version| d.string({condition})")
                        }
                        Condition::Always => "|d, _| d.string(true)".to_owned(),
                        Condition::Never => "|d, _| d.string(false)".to_owned(),
                    },
                    other => format!("|d, _| d.{}()", fixed_method(other)),
                };
                format!("d.{prefix}array(flexible, version, {size}, {read})?")
            }
            fixed => format!("d.{}()?", fixed_method(fixed)),
        };
        if wrap { format!("Some({value})") } else { value }
    }

    fn write(&self, each: &Struct, field: &Field) -> String {
        let versions = field.versions.intersect(self.known);
        let place = format!("self.{}", rust_field(&field.name));
        let path = field_path(each, field);
        let required = format!("required(&{place}, \"{path}\", version)?");
        match self.nullability(field, versions) {
            Condition::Always => self.write_nullable(&field.kind, &place),
            Condition::Never if self.is_optional(field) => {
                self.write_value(&field.kind, &required, true)
            }
            Condition::Never => self.write_value(&field.kind, &place, false),
            Condition::If { yes: condition, .. } => format!(
                "if {condition} {{ {} }} else {{ {} }}",
                self.write_nullable(&field.kind, &place),
                self.write_value(&field.kind, &required, true)
            ),
        }
    }

    fn write_nullable(&self, kind: &Type, place: &str) -> String {
        match kind {
            Type::String => format!("e.nullable_string({place}.as_ref(), flexible)?;"),
            Type::Bytes => format!("e.nullable_bytes({place}.as_ref(), flexible)?;"),
            Type::Records => format!("e.nullable_records({place}.as_ref(), flexible)?;"),
            Type::Array(element) => format!(
                "e.nullable_array({place}.as_ref(), flexible, version, {})?;",
                self.element_writer(element)
            ),
            Type::Struct(_) => format!(
                "e.present({place}.is_some());
                if let Some(value) = &{place} {{ value.encode(e, version)?; }}"
            ),
            other => panic!("{other:?} cannot be null"),
        }
    }

    fn write_value(&self, kind: &Type, value: &str, is_reference: bool) -> String {
        let reference = if is_reference { value.to_owned() } else { format!("&{value}") };
        match kind {
            Type::String => format!("e.string({reference}, flexible)?;"),
            Type::Bytes => format!("e.bytes({reference}, flexible)?;"),
            Type::Records => format!("e.records({reference}, flexible)?;"),
            Type::Struct(_) => format!("{value}.encode(e, version)?;"),
            Type::Array(element) => {
                let writer = self.element_writer(element);
                format!("e.array({reference}, flexible, version, {writer})?;")
            }
            fixed => format!("e.{}({value});", fixed_method(fixed)),
        }
    }

    fn element_writer(&self, element: &Type) -> String {
        match element {
            Type::Struct(name) => format!("{}::encode", self.rust_name(name)),
            Type::String => match self.range_condition(self.message.flexible) {
                Condition::If { yes: condition, .. } => {
                    format!("|value, e, version| e.string(value, {condition})")
                }
                Condition::Always => "|value, e, _| e.string(value, true)".to_owned(),
                Condition::Never => "|value, e, _| e.string(value, false)".to_owned(),
            },
            other => format!("|value, e, _| {{ e.{}(*value); Ok(()) }}", fixed_method(other)),
        }
    }

    fn is_not_default(&self, field: &Field) -> String {
        let place = format!("self.{}", rust_field(&field.name));
        if self.is_optional(field) {
            return if default_is_null(field) {
                format!("{place}.is_some()")
            } else {
                format!("{place}.as_ref().is_none_or(|value| !value.is_empty())")
            };
        }
        match &field.kind {
            Type::Bool if field.default.as_deref() == Some("true") => format!("!{place}"),
            Type::Bool => place,
            Type::String | Type::Bytes | Type::Records | Type::Array(_) => {
                format!("!{place}.is_empty()")
            }
            Type::Uuid => format!("!{place}.is_nil()"),
            Type::Struct(name) => format!("{place} != {}::default()", self.rust_name(name)),
            _ => format!("{place} != {}", self.default(field)),
        }
    }

    fn default(&self, field: &Field) -> String {
        if default_is_null(field) {
            return "None".to_owned();
        }
        let value = match (&field.kind, field.default.as_deref()) {
            (Type::Bool, default) => default.unwrap_or("false").to_owned(),
            (Type::Float64, None) => "0.0".to_owned(),
            (Type::Int8 | Type::Int16 | Type::Uint16 | Type::Int32 | Type::Int64, default) => {
                match default.unwrap_or("0") {
                    "-2147483648" => "i32::MIN".to_owned(),
                    "2147483647" => "i32::MAX".to_owned(),
                    "9223372036854775807" => "i64::MAX".to_owned(),
                    number => number.to_owned(),
                }
            }
            (Type::Uuid, None) => "Uuid::nil()".to_owned(),
            (Type::String, None) => "Str::new()".to_owned(),
            (Type::Bytes, None) => "Bytes::new()".to_owned(),
            (Type::Array(_), None) => "Vec::new()".to_owned(),
            (Type::Struct(name), None) => format!("{}::default()", self.rust_name(name)),
            (kind, default) => panic!("{}: no default {default:?} for {kind:?}", field.name),
        };
        if self.is_optional(field) { format!("Some({value})") } else { value }
    }

    fn default_is_derived(&self, field: &Field) -> bool {
        match self.default(field).as_str() {
            "None" | "false" | "0" | "0.0" => true,
            default => !self.is_optional(field) && default.ends_with(')'),
        }
    }

    fn rust_type(&self, field: &Field) -> String {
        let plain = self.plain_type(&field.kind);
        if self.is_optional(field) { format!("Option<{plain}>") } else { plain }
    }

    fn plain_type(&self, kind: &Type) -> String {
        match kind {
            Type::Bool => "bool".to_owned(),
            Type::Int8 => "i8".to_owned(),
            Type::Int16 => "i16".to_owned(),
            Type::Uint16 => "u16".to_owned(),
            Type::Int32 => "i32".to_owned(),
            Type::Int64 => "i64".to_owned(),
            Type::Float64 => "f64".to_owned(),
            Type::Uuid => "Uuid".to_owned(),
            Type::String => "Str".to_owned(),
            Type::Bytes => "Bytes".to_owned(),
            Type::Records => "Chunks".to_owned(),
            Type::Struct(name) => self.rust_name(name),
            Type::Array(element) => format!("Vec<{}>", self.plain_type(element)),
        }
    }

    fn is_optional(&self, field: &Field) -> bool {
        !field.nullable.intersect(self.known).is_empty()
    }

    fn rust_name(&self, name: &str) -> String {
        if self.clashes.contains(name) { format!("Response{name}") } else { name.to_owned() }
    }

    /// The fewest bytes that a value takes in any of these versions.
    fn size_min(&self, kind: &Type, versions: Versions) -> usize {
        let sizes = (versions.min..=versions.max).map(|version| self.size_min_in(kind, version));
        sizes.min().unwrap_or(0)
    }

    fn size_min_in(&self, kind: &Type, version: i16) -> usize {
        let flexible = self.message.flexible.contains(version);
        match kind {
            Type::Bool | Type::Int8 => 1,
            Type::Int16 | Type::Uint16 => 2,
            Type::Int32 => 4,
            Type::Int64 | Type::Float64 => 8,
            Type::Uuid => 16,
            Type::String | Type::Bytes | Type::Records | Type::Array(_) if flexible => 1,
            Type::String => 2,
            Type::Bytes | Type::Records | Type::Array(_) => 4,
            Type::Struct(name) => {
                let fields = self.message.find(name).fields.iter();
                let present = fields.filter(|f| f.tag.is_none() && f.versions.contains(version));
                let size_of = |field: &Field| match field.kind {
                    Type::Struct(_) if field.nullable.contains(version) => 1,
                    _ => self.size_min_in(&field.kind, version),
                };
                present.map(size_of).sum::<usize>() + usize::from(flexible)
            }
        }
    }

    fn field_condition(&self, field: &Field) -> Condition {
        self.range_condition(field.versions)
    }

    /// As above, given that the version is flexible.
    fn field_condition_where_flexible(&self, field: &Field) -> Condition {
        condition(field.versions, self.known.intersect(self.message.flexible))
    }

    /// Whether a field is nullable, given that the version has it.
    fn nullability(&self, field: &Field, versions: Versions) -> Condition {
        condition(field.nullable, versions)
    }

    fn range_condition(&self, versions: Versions) -> Condition {
        condition(versions, self.known)
    }
}

/// Whether a version is in a range; a test carries its opposite.
enum Condition {
    Always,
    Never,
    If { yes: String, no: String },
}

/// The test for `wanted`, given that the version is in `known`.
fn condition(wanted: Versions, known: Versions) -> Condition {
    let both = wanted.intersect(known);
    let Versions { min, max } = both;
    let test = |yes: String, no: String| Condition::If { yes, no };
    if both.is_empty() {
        Condition::Never
    } else if both == known {
        Condition::Always
    } else if max == known.max {
        test(format!("version >= {min}"), format!("version < {min}"))
    } else if min == known.min {
        test(format!("version <= {max}"), format!("version > {max}"))
    } else if min == max {
        test(format!("version == {min}"), format!("version != {min}"))
    } else {
        let yes = format!("({min}..={max}).contains(&version)");
        test(yes.clone(), format!("!{yes}"))
    }
}

fn default_is_null(field: &Field) -> bool {
    match field.kind {
        Type::Records => true,
        _ => field.default.as_deref() == Some("null"),
    }
}

fn refuse(each: &Struct, field: &Field) -> String {
    let path = field_path(each, field);
    format!("return Err(EncodeError::UnsupportedField {{ field: \"{path}\", version }});")
}

fn field_path(each: &Struct, field: &Field) -> String {
    format!("{}.{}", each.name, field.name)
}

fn fixed_method(kind: &Type) -> &'static str {
    match kind {
        Type::Bool => "bool",
        Type::Int8 => "i8",
        Type::Int16 => "i16",
        Type::Uint16 => "u16",
        Type::Int32 => "i32",
        Type::Int64 => "i64",
        Type::Float64 => "f64",
        Type::Uuid => "uuid",
        other => panic!("{other:?} has no fixed size"),
    }
}

fn mentions(body: &str, word: &str) -> bool {
    body.split(|c: char| !c.is_alphanumeric() && c != '_').any(|each| each == word)
}

/// `TransactionalId` as `transactional_id`.
fn rust_field(name: &str) -> String {
    let mut out = String::new();
    let mut previous = '_';
    for letter in name.chars() {
        if letter.is_uppercase() && (previous.is_lowercase() || previous.is_ascii_digit()) {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
        previous = letter;
    }
    if out == "match" { format!("r#{out}") } else { out }
}
