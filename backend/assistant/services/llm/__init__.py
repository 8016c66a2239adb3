"""The language model: it runs in processes of its own, which every worker of the server shares.

- `process`: the supervisor, one a data directory. It holds the model process, the queue, and a socket for the workers.
- `child`: the model process. It holds llama.cpp and nothing else, so that a native crash costs nobody but it.
- `client`: what a worker knows of the supervisor. `service` is what routes call.
"""
