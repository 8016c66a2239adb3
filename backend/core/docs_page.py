"""The page that shows an OpenAPI document to people: one file, no scripts, nothing from elsewhere."""

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ spec.info.title }} API</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733 }
  details { border: 1px solid #d5dce3; border-radius: 6px; margin: .5rem 0; padding: .5rem .8rem }
  summary { cursor: pointer } code, pre { font: 13px/1.45 ui-monospace, monospace }
  .method { display: inline-block; min-width: 4rem; font-weight: 700; color: #0b6bcb }
  pre { background: #f4f6f8; padding: .7rem; border-radius: 6px; overflow-x: auto } .quiet { color: #5b6875 }
</style>
{% macro shape(content) %}
  {% set schema = (content.values()|first)["schema"] %}
  {% set target = schema.get("$ref") or schema.get("items", {}).get("$ref") %}
  {% if target %}
    {% set name = target.split("/")|last %}
    {{ "list of " if "items" in schema }}<a href="#{{ name }}"><code>{{ name }}</code></a>
  {% endif %}
{% endmacro %}
<h1>{{ spec.info.title }} API</h1>
<p class="quiet">The same for machines:
  <a href="{{ request.script_root }}/openapi.json">openapi.json</a> (OpenAPI {{ spec.openapi }})</p>
{% for path, operations in spec.paths.items() %}
{% for method, operation in operations.items() if method in ("get", "post", "put", "patch", "delete") %}
<details id="{{ method }}-{{ path }}">
  <summary><span class="method">{{ method|upper }}</span> <code>{{ path }}</code>
    <span class="quiet">{{ operation.summary }}</span></summary>
  <p>{{ operation.description }}</p>
  {% if operation.requestBody %}<p>Body: {{ shape(operation.requestBody.content) }}</p>{% endif %}
  <p>Answers:</p>
  <ul>
  {% for status, answer in operation.responses.items() if answer.description %}
    <li><b>{{ status }}</b> {{ answer.description }}: {{ shape(answer.content) if answer.content }}</li>
  {% endfor %}
  </ul>
</details>
{% endfor %}
{% endfor %}
<h2>Schemas</h2>
{% for name, schema in (spec.components.schemas or {}).items() %}
<details id="{{ name }}"><summary><code>{{ name }}</code></summary><pre>{{ schema|tojson(indent=2) }}</pre></details>
{% endfor %}
"""
