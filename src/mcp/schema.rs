//! JSON Schemas that strict clients accept: an object at the top, no references, no unions except with
//! `null`, no custom formats.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// The schema of a tool's arguments. Optional arguments are not in `required`, and their types exclude
/// `null`.
pub fn input<T: JsonSchema>() -> JsonObject {
    let mut schema = schema::<T>(SchemaSettings::draft2020_12());
    without_null(&mut schema);
    object(schema)
}

/// The schema of a tool's structured reply.
pub fn output<T: JsonSchema>() -> Arc<JsonObject> {
    Arc::new(object(schema::<T>(SchemaSettings::draft2020_12().for_serialize())))
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> Schema {
    let inline = |settings: &mut SchemaSettings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    };
    let mut schema = settings.with(inline).into_generator().into_root_schema_for::<T>();
    simplify(&mut schema);
    schema
}

/// Removes the name and the doc comment of the Rust type.
fn object(schema: Schema) -> JsonObject {
    let Value::Object(mut object) = schema.to_value() else {
        unreachable!("the schema of a struct is an object")
    };
    object.remove("title");
    object.remove("description");
    object
}

/// Rewrites a schema with the keywords that every client supports.
fn simplify(schema: &mut Schema) {
    transform_subschemas(&mut simplify, schema);
    let Some(object) = schema.as_object_mut() else { return };
    // Some clients reject `uint` and `float`, which are not standard formats.
    object.remove("format");
    if let Some(Value::String(description)) = object.get_mut("description") {
        *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if let Some(default) = object.get_mut("default") {
        shorten(default);
    }
    if let Some(choices) = object.get("oneOf").and_then(Value::as_array).and_then(|all| constants(all)) {
        object.remove("oneOf");
        object.insert("type".into(), "string".into());
        object.insert("enum".into(), choices);
    }
    if let Some(some) = object.get("anyOf").and_then(Value::as_array).and_then(|any| nullable(any)) {
        object.remove("anyOf");
        // The property's own description overrides that of its type.
        for (key, value) in some {
            object.entry(key).or_insert(value);
        }
    }
}

/// The values of the choices, if each is a constant.
fn constants(choices: &[Value]) -> Option<Value> {
    choices.iter().map(|choice| choice.get("const").cloned()).collect()
}

/// For a union of one schema with `null`: that schema, with `null` added to its types.
fn nullable(any: &[Value]) -> Option<Map<String, Value>> {
    let (null, mut some): (Vec<&Value>, Vec<&Value>) = any.iter().partition(|one| one["type"] == "null");
    let mut some = some.pop().filter(|_| some.is_empty() && null.len() == 1)?.as_object()?.clone();
    let kind = some.get("type")?.as_str()?.to_owned();
    some.insert("type".into(), [kind.as_str(), "null"].as_slice().into());
    // A list of values must contain null as well.
    if let Some(Value::Array(values)) = some.get_mut("enum") {
        values.push(Value::Null);
    }
    Some(some)
}

/// Replaces a number that was widened from `f32` by its shortest form: 0.3, not 0.30000001192092896.
fn shorten(number: &mut Value) {
    if let Some(shorter) = number
        .as_f64()
        .filter(|_| number.is_f64())
        .and_then(|number| (number as f32).to_string().parse::<f64>().ok())
    {
        *number = shorter.into();
    }
}

fn without_null(schema: &mut Schema) {
    transform_subschemas(&mut without_null, schema);
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(kinds)) = object.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            object.insert("type".into(), kind);
        }
    }
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// One field of each kind that is simplified.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Sample {
        /// On two
        /// lines.
        count: usize,
        /// One of a few.
        choice: Choice,
        /// May be absent.
        maybe: Option<f32>,
        /// An object or nothing.
        inner: Option<Inner>,
    }

    /// The type.
    #[derive(JsonSchema)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Choice {
        /// The first.
        One,
        /// The second.
        Two,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Inner {
        /// A text.
        text: String,
    }

    fn properties(maybe: Value, inner: Value) -> Value {
        json!({
            "count": {"description": "On two lines.", "type": "integer", "minimum": 0},
            "choice": {"description": "One of a few.", "type": "string", "enum": ["one", "two"]},
            "maybe": {"description": "May be absent.", "type": maybe},
            "inner": {
                "description": "An object or nothing.",
                "type": inner,
                "properties": {"text": {"description": "A text.", "type": "string"}},
                "required": ["text"],
            },
        })
    }

    #[test]
    fn input_schemas_exclude_null() {
        let schema = Value::Object(input::<Sample>());
        let expected = json!({
            "type": "object",
            "properties": properties(json!("number"), json!("object")),
            "required": ["count", "choice"],
        });
        assert_eq!(schema, expected);
    }

    #[test]
    fn a_choice_that_can_be_absent_allows_null() {
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        struct Sample {
            /// Perhaps one of a few.
            choice: Option<Choice>,
        }
        let schema = Value::Object((*output::<Sample>()).clone());
        assert_eq!(
            schema["properties"]["choice"],
            json!({"description": "Perhaps one of a few.", "type": ["string", "null"], "enum": ["one", "two", null]})
        );
    }

    #[test]
    fn output_schemas_require_every_key() {
        let schema = Value::Object((*output::<Sample>()).clone());
        let expected = json!({
            "type": "object",
            "properties": properties(json!(["number", "null"]), json!(["object", "null"])),
            "required": ["count", "choice", "maybe", "inner"],
        });
        assert_eq!(schema, expected);
    }
}
