#include <orkestra/core/json_schema_node.h>

namespace orkestra {

// What a schema of draft 2020-12 must look like, as one document (the draft spreads it over eight,
// one for each vocabulary). "$dynamicAnchor" lets a schema of schemas that builds on this one
// hold for subschemas, too.
const Json& schema_of_schemas() {
  static const Json schema = Json::parse(R"({
    "$id": "https://json-schema.org/draft/2020-12/schema",
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$dynamicAnchor": "meta",
    "type": ["object", "boolean"],
    "$defs": {
      "schema": {"$dynamicRef": "#meta"},
      "list": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/schema"}},
      "map": {"type": "object", "additionalProperties": {"$ref": "#/$defs/schema"}},
      "count": {"type": "integer", "minimum": 0},
      "names": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
      "anchor": {"type": "string", "pattern": "^[A-Za-z_][-A-Za-z0-9._]*$"},
      "type": {"enum": ["array", "boolean", "integer", "null", "number", "object", "string"]}
    },
    "properties": {
      "$id": {"type": "string", "pattern": "^[^#]*#?$"},
      "$schema": {"type": "string"},
      "$ref": {"type": "string"},
      "$anchor": {"$ref": "#/$defs/anchor"},
      "$dynamicRef": {"type": "string"},
      "$dynamicAnchor": {"$ref": "#/$defs/anchor"},
      "$vocabulary": {"type": "object", "additionalProperties": {"type": "boolean"}},
      "$comment": {"type": "string"},
      "$defs": {"$ref": "#/$defs/map"},
      "definitions": {"$ref": "#/$defs/map"},
      "prefixItems": {"$ref": "#/$defs/list"},
      "items": {"$ref": "#/$defs/schema"},
      "contains": {"$ref": "#/$defs/schema"},
      "additionalProperties": {"$ref": "#/$defs/schema"},
      "properties": {"$ref": "#/$defs/map"},
      "patternProperties": {"$ref": "#/$defs/map"},
      "dependentSchemas": {"$ref": "#/$defs/map"},
      "propertyNames": {"$ref": "#/$defs/schema"},
      "if": {"$ref": "#/$defs/schema"},
      "then": {"$ref": "#/$defs/schema"},
      "else": {"$ref": "#/$defs/schema"},
      "allOf": {"$ref": "#/$defs/list"},
      "anyOf": {"$ref": "#/$defs/list"},
      "oneOf": {"$ref": "#/$defs/list"},
      "not": {"$ref": "#/$defs/schema"},
      "unevaluatedItems": {"$ref": "#/$defs/schema"},
      "unevaluatedProperties": {"$ref": "#/$defs/schema"},
      "type": {"anyOf": [{"$ref": "#/$defs/type"},
                         {"type": "array", "items": {"$ref": "#/$defs/type"},
                          "minItems": 1, "uniqueItems": true}]},
      "enum": {"type": "array"},
      "multipleOf": {"type": "number", "exclusiveMinimum": 0},
      "maximum": {"type": "number"},
      "exclusiveMaximum": {"type": "number"},
      "minimum": {"type": "number"},
      "exclusiveMinimum": {"type": "number"},
      "maxLength": {"$ref": "#/$defs/count"},
      "minLength": {"$ref": "#/$defs/count"},
      "pattern": {"type": "string"},
      "maxItems": {"$ref": "#/$defs/count"},
      "minItems": {"$ref": "#/$defs/count"},
      "uniqueItems": {"type": "boolean"},
      "maxContains": {"$ref": "#/$defs/count"},
      "minContains": {"$ref": "#/$defs/count"},
      "maxProperties": {"$ref": "#/$defs/count"},
      "minProperties": {"$ref": "#/$defs/count"},
      "required": {"$ref": "#/$defs/names"},
      "dependentRequired": {"type": "object", "additionalProperties": {"$ref": "#/$defs/names"}},
      "title": {"type": "string"},
      "description": {"type": "string"},
      "deprecated": {"type": "boolean"},
      "readOnly": {"type": "boolean"},
      "writeOnly": {"type": "boolean"},
      "examples": {"type": "array"},
      "format": {"type": "string"},
      "contentEncoding": {"type": "string"},
      "contentMediaType": {"type": "string"},
      "contentSchema": {"$ref": "#/$defs/schema"}
    }
  })");
  return schema;
}

}  // namespace orkestra
