"""In the environment of Prime's verifiers: its Harbor toolset, by a declaration with our URL, as its tasks declare one.

Argument: the URL. Prints the names of the tools, what two calls came to, and the session that they were made in.
"""

import asyncio
import json
import sys

from verifiers.v1.tasksets.harbor.toolset import HarborMCPConfig, HarborMCPToolset

CODE = ({"code": "kept = 6"}, {"code": "kept * 7"})


async def main():
    server = {"name": "touchstone", "transport": "streamable-http", "url": sys.argv[1]}
    toolset = HarborMCPToolset(HarborMCPConfig(server=server))
    async with toolset._exit_stack:
        await toolset.setup()
        tools = await toolset.client.list_tools()
        results = [await toolset.client.call_tool("python", arguments) for arguments in CODE]
        session = (results[0].meta or {}).get("touchstone/session")
        texts = [result.content[0].text for result in results]
    print(json.dumps({"tools": [tool.name for tool in tools.tools], "texts": texts, "session": session}))


asyncio.run(main())
