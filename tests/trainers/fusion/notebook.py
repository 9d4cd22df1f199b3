"""In the environment of SandboxFusion's client: a notebook by its own call, with its endpoint set in the environment.

Argument: JSON of the cells. Prints the reply.
"""

import json
import sys

from sandbox_fusion import RunJupyterRequest, run_jupyter

reply = run_jupyter(RunJupyterRequest(cells=json.loads(sys.argv[1])), max_attempts=1)
print(json.dumps(json.loads(reply.json())))
