"""Control of the worker processes of one gateway: what an operator asks one of them, the others answer too."""
