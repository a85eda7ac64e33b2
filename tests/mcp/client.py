"""Tests `rqsearch mcp` with the official Python client: client.py PROGRAM DIR.

DIR has an index of five everyday questions. The client checks every structured reply against the output schema of its
tool. This script checks the rest.
"""

import asyncio
import sys

import jsonschema
from mcp import Client, MCPError, StdioServerParameters

PROGRAM, DIR = sys.argv[1:]


def server(*args):
    return StdioServerParameters(command=PROGRAM, args=["mcp", *args], cwd=DIR)


def strict(schema, path, is_input):
    """Checks that a schema uses only what the strictest clients accept."""
    where = "/".join(path)
    for key in ("$ref", "$defs", "definitions", "allOf", "oneOf", "anyOf", "not", "format", "$schema"):
        assert key not in schema, f"{where} has {key}"
    kinds = schema.get("type")
    if is_input or len(path) == 1:
        assert isinstance(kinds, str), f"{where} has the type {kinds}"
    if isinstance(kinds, list):
        assert len(kinds) == 2 and kinds[1] == "null", f"{where} has the types {kinds}"
    if "properties" in schema:
        if is_input:
            assert schema["additionalProperties"] is False, f"{where} accepts unknown keys"
        assert set(schema.get("required", [])) <= set(schema["properties"]), where
        for name, inner in schema["properties"].items():
            assert inner.get("description"), f"{where}/{name} has no description"
            strict(inner, [*path, name], is_input)
    if isinstance(schema.get("items"), dict):
        strict(schema["items"], [*path, "items"], is_input)


async def tools(client):
    listed = (await client.list_tools()).tools
    names = [tool.name for tool in listed]
    assert names == ["search_questions", "get_question", "find_duplicates", "list_duplicates"], names
    for tool in listed:
        assert tool.title and len(tool.description) > 60, tool
        hints = tool.annotations
        assert (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint) == (
            True, False, True, False,
        ), hints
        for schema, is_input in ((tool.input_schema, True), (tool.output_schema, False)):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            strict(schema, [tool.name], is_input)
    search = listed[0].input_schema
    assert search["required"] == ["q"], search
    assert search["properties"]["mode"]["enum"] == ["hybrid", "keyword", "semantic"], search
    assert search["properties"]["limit"]["maximum"] == 50, search
    return {tool.name: tool for tool in listed}


async def call(client, known, name, **arguments):
    """Calls a tool. Returns its structured reply, which matches the schema, and its text."""
    result = await client.call_tool(name, arguments)
    (content,) = result.content
    assert not result.is_error, content.text
    jsonschema.validate(result.structured_content, known[name].output_schema)
    assert "\x1b" not in content.text and content.text.strip(), content
    return result.structured_content, content.text


async def refused(client, name, *words, **arguments):
    """Calls a tool with invalid arguments. Checks that it returns a tool error with these words."""
    result = await client.call_tool(name, arguments)
    assert result.is_error, (name, arguments, result)
    text = result.content[0].text
    for word in words:
        assert word in text, f"{word!r} is not in {text!r}"


async def each_tool(client, known):
    reply, text = await call(client, known, "search_questions", q="my knife is blunt", limit=2, explain=True)
    assert len(reply["hits"]) == 2 and reply["cut"] is None, reply
    best = reply["hits"][0]
    assert best["title"] == "How do I sharpen a kitchen knife?" and best["explanation"]["keyword"], best
    assert best["title"] in text and best["id"] in text and "faq.md:" in text, text

    whole, text = await call(client, known, "get_question", id=best["id"])
    assert whole["title"] == best["title"] and "whetstone" in whole["answer"] and "whetstone" in text, whole
    assert whole["cut"] is None and "_id" not in whole
    again, _ = await call(client, known, "get_question", id=best["id"][:6].upper(), offset=None)
    assert again == whole

    reply, text = await call(client, known, "find_duplicates", q="how do i sharpen a kitchen knife")
    assert reply["duplicate"] and reply["duplicates"][0]["id"] == best["id"], reply
    assert "Already asked" in text, text
    reply, text = await call(client, known, "find_duplicates", q="Where do swallows go in winter?")
    assert not reply["duplicate"] and text.startswith("Not a duplicate"), (reply, text)

    reply, text = await call(client, known, "list_duplicates")
    assert reply["groups"] == [] and text.startswith("Questions: 5. Duplicates: 0."), (reply, text)


async def no_good_match(client, known):
    reply, text = await call(client, known, "search_questions", q="roses in the kitchen", min_confidence=1)
    assert not reply["answered"] and text.startswith("Nothing answers this"), (reply, text)
    reply, text = await call(client, known, "search_questions", q="quarterly tax return")
    assert not reply["answered"] and "No question contains: quarterly, tax, return" in text, (reply, text)
    reply, text = await call(client, known, "search_questions", q="bread", section=["Cellar"])
    assert reply["hits"] == [] and "Try again without it" in text, (reply, text)
    reply, _ = await call(client, known, "search_questions", q="bread", tag=["yeast"], mode="keyword", source=None)
    assert [hit["title"] for hit in reply["hits"]] == ["How long should bread dough rise?"], reply


async def bad_input(client):
    await refused(client, "search_questions", "`q`")
    await refused(client, "search_questions", "empty", q="  ")
    await refused(client, "search_questions", "no words", q="bread", without=["?"])
    await refused(client, "search_questions", "not a date", q="bread", since="someday")
    await refused(client, "search_questions", "`offset`", "1000", q="bread", offset=1001)
    await refused(client, "search_questions", "`limit`", "five", q="bread", limit="five")
    await refused(client, "search_questions", "`limit`", "-1", q="bread", limit=-1)
    await refused(client, "search_questions", "`mode`", "hybrid", q="bread", mode="psychic")
    await refused(client, "search_questions", "limt", "limit", q="bread", limt=3)
    await refused(client, "search_questions", "min_confidence", "0 to 1", q="bread", min_confidence=7)
    await refused(client, "search_questions", "`q`", q=["bread"])
    await refused(client, "search_questions", "16384", q="bread " * 200_000)
    await refused(client, "get_question", "ffffffffffff", "search_questions", id="ffffffffffff")
    await refused(client, "get_question", "search_questions", id="")
    await refused(client, "get_question", "`id`")
    await refused(client, "find_duplicates", "empty", q=" ")
    await refused(client, "find_duplicates", "threshold", q="bread", threshold=2)
    await refused(client, "list_duplicates", "threshold", threshold=-1)
    for name, arguments in (("no_such_tool", {}), ("", {})):
        try:
            await client.call_tool(name, arguments)
        except MCPError as error:
            assert error.error.code == -32602 and "search_questions" in error.error.message, error
        else:
            raise AssertionError(f"the tool {name!r} was found")


async def other_languages(client, known):
    for phrase in ("Wie lange muss Brotteig gehen?", "パンの生地", "كيف أشحذ السكين", "🍞" * 50, "a\u0000b\u202ec\ufeff"):
        reply, _ = await call(client, known, "search_questions", q=phrase)
        assert reply["query"] == phrase, reply


async def resources(client):
    templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == ["question://{id}"], templates
    listed = await client.list_resources()
    assert len(listed.resources) == 5 and listed.next_cursor is None, listed
    (first,) = [one for one in listed.resources if one.name == "How long should bread dough rise?"]
    assert first.description.startswith("faq.md:"), first
    (content,) = (await client.read_resource(first.uri)).contents
    assert content.mime_type == "text/markdown" and content.text.startswith(f"# {first.name}\n"), content
    assert "doubled in size" in content.text
    for uri in ("question://ffffffffffff", "question://", "file:///etc/passwd"):
        try:
            await client.read_resource(uri)
        except MCPError as error:
            assert error.error.code in (-32002, -32602) and error.error.data == {"uri": uri}, error.error
        else:
            raise AssertionError(f"{uri} was read")
    try:
        await client.list_resources(cursor="no cursor")
    except MCPError as error:
        assert error.error.code == -32602, error.error
    else:
        raise AssertionError("an invalid cursor was accepted")


async def concurrent_calls(client, known):
    phrases = ["knife", "roses", "tomato leaves", "sour bread"] * 10
    replies = await asyncio.gather(*(call(client, known, "search_questions", q=phrase) for phrase in phrases))
    assert [reply["query"] for reply, _ in replies] == phrases


async def cancelled(client, known):
    calls = [asyncio.create_task(client.call_tool("search_questions", {"q": "roses"})) for _ in range(8)]
    await asyncio.sleep(0)
    for task in calls:
        task.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    reply, _ = await call(client, known, "search_questions", q="roses")
    assert reply["answered"], reply


async def many_questions():
    """The built-in index: pages of resources, and truncated replies."""
    async with Client(server("--builtin"), mode="legacy") as client:
        known = {tool.name: tool for tool in (await client.list_tools()).tools}
        uris, cursor, pages = [], None, 0
        while True:
            page = await client.list_resources(cursor=cursor)
            assert len(page.resources) <= 100
            uris += [resource.uri for resource in page.resources]
            cursor, pages = page.next_cursor, pages + 1
            if cursor is None:
                break
        assert len(set(uris)) == len(uris) >= 600 and pages == -(-len(uris) // 100), (len(uris), pages)
        assert f"{len(uris)} questions" in client.instructions, client.instructions
        reply, text = await call(client, known, "search_questions", q="mutex", limit=1000, explain=True, all=True)
        assert 0 < len(reply["hits"]) <= 50 and "the first 50" in reply["cut"], reply["cut"]
        assert len(text) < 60_000 and reply["cut"] in text, (len(text), reply["cut"])
        reply, text = await call(client, known, "list_duplicates", threshold=0.1, top=3)
        assert len(reply["pairs"]) == 3 and 0 < len(reply["groups"]) <= 50, reply
        assert "more groups" in reply["cut"] and reply["cut"] in text and len(text) < 60_000, reply["cut"]


async def main():
    # The current protocol, without a handshake, and the earlier one, with a handshake.
    for mode in ("auto", "legacy"):
        async with Client(server(), mode=mode) as client:
            print(f"{mode}: {client.protocol_version}, {client.server_info.name} {client.server_info.version}")
            assert client.server_info.name == "rqsearch"
            assert "5 questions" in client.instructions and "faq.md" in client.instructions, client.instructions
            known = await tools(client)
            await each_tool(client, known)
            await no_good_match(client, known)
            await bad_input(client)
            await other_languages(client, known)
            await resources(client)
            await concurrent_calls(client, known)
            await cancelled(client, known)
    await many_questions()


asyncio.run(main())
