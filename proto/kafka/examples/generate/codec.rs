//! Writes the code that reads and writes each version of a struct.
//!
//! It follows the schema field by field, with a condition on the version where a field is not in
//! all of them, so that it can be compared with the schema by eye.

use crate::rust::{Condition, Context, line, mentions, rust_field};
use crate::schema::{Field, Kind, Struct, Type, Versions};

impl Context<'_> {
    /// The `decode` and `encode` of a struct.
    pub(crate) fn codec(&self, out: &mut String, each: &Struct) {
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
            line!(
                out,
                "impl {name} {{
                    fn decode(d: &mut Decoder, {}: i16) -> Result<Self, DecodeError> {{ {decode} }}

                    fn encode(&self, e: &mut Encoder, {}: i16) -> Result<(), EncodeError> {{
                        {encode}
                    }}
                }}\n",
                parameter(&decode),
                parameter(&encode),
            );
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
        line!(
            out,
            "impl {name_of_trait} for {name} {{
                const NAME: &'static str = \"{name}\";
                {key}const VERSIONS: RangeInclusive<i16> = {}..={};
                const FLEXIBLE_FROM: i16 = {flexible_from};

                fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {{
                    if !Self::VERSIONS.contains(&version) {{
                        let message = Self::NAME;
                        let reason = DecodeReason::UnsupportedVersion {{ message, version }};
                        return Err(d.error(reason));
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
            versions.min,
            versions.max,
        );
        if message.kind == Kind::Request {
            let response = name.replace("Request", "Response");
            line!(out, "impl Request for {name} {{ type Response = {response}; }}\n");
        }
    }

    fn decode_body(&self, each: &Struct) -> String {
        let mut out = String::new();
        for field in &each.fields {
            let name = rust_field(&field.name);
            if field.tag.is_some() {
                line!(out, "let mut {name} = {};", self.default(field));
                continue;
            }
            match self.field_condition(field) {
                Condition::Always => line!(out, "let {name} = {};", self.read(field)),
                Condition::Never => line!(out, "let {name} = {};", self.default(field)),
                Condition::If { yes: condition, .. } => line!(
                    out,
                    "let {name} = if {condition} {{ {} }} else {{ {} }};",
                    self.read(field),
                    self.default(field)
                ),
            }
        }
        self.decode_tags(&mut out, each);
        let names: Vec<_> = each.fields.iter().map(|field| rust_field(&field.name)).collect();
        line!(out, "Ok(Self {{ {} }})", names.join(", "));
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
                line!(arms, "{tag}{guard} => {name} = {},", self.read(field));
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
                Condition::Always => line!(out, "{}", self.write(each, field)),
                Condition::Never => line!(out, "{}", refusal.unwrap_or_default()),
                Condition::If { yes: condition, .. } => {
                    let write = self.write(each, field);
                    let otherwise =
                        refusal.map_or(String::new(), |refuse| format!("else {refuse}"));
                    line!(out, "if {condition} {{ {write} }} {otherwise}")
                }
            };
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
                line!(out, "if {no} && {value} {{ {refusal} }}");
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
            line!(
                fields,
                "if {} {{
                    let start = e.begin_tag(&tags, {});
                    {}
                    e.end_tag(start);
                }}",
                conditions.join(" && "),
                field.tag.expect("tagged"),
                self.write(each, field)
            );
        }
        self.if_flexible(out, &fields);
    }

    fn if_flexible(&self, out: &mut String, code: &str) {
        match self.range_condition(self.message.flexible) {
            Condition::Always => line!(out, "{code}"),
            Condition::Never => {}
            Condition::If { .. } => line!(out, "if flexible {{ {code} }}"),
        };
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
