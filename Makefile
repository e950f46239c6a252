# make run [ARGS="--temp --port 8001"]    the server, from nothing but Python 3.11+
# make test [ARGS="-k name"]              every check and every test
# make demo [ARGS="--seconds 30"]         a server, a producer and a subscriber to look at
# make docs                               the reference pages that are made from the code
SHELL := bash
.PHONY: run test demo docs

run:
	@bash .ci/environment run
	@exec .venv/bin/python manage.py serve $(ARGS)

test:
	@exec bash .ci/run $(ARGS)

demo:
	@bash .ci/environment demo
	@exec .venv/bin/python -m demo $(ARGS)

docs:
	@bash .ci/environment dev
	@.venv/bin/python docs/reference/generate.py
