# make run [ARGS="--temp --port 8001"]    the server, from nothing but Python 3.11+
# make test [ARGS="-k name"]              every check and every test
# make test-unit [ARGS="-k name"]         the tests that start no server: about two minutes on two cores
# make demo [ARGS="--seconds 30"]         a server and a producer to look at live in a browser
# make dist                              the wheels of the server and the client, in dist/
# make check-dist                         builds and checks them, installs them elsewhere, and tries them
# make docs                               the reference pages that are made from the code
# make docs-site                          the documentation as a site, in site/
# make coverage                           how much the tests without servers cover
# make web                               checks the types of the page, and bundles it (needs Node 20)
# make lock [ARGS=--upgrade]             requirements*.lock anew, after a change of requirements
# make audit                              known vulnerabilities of what is locked
# make faults [SCENARIO=kill_all]        load, faults, and whether anything was lost (tests/README.md)
# make fuzz [EXAMPLES=1000]             property-based API fuzzing, for much longer than in the tests
# make matrix                             every type within each other, in every format (some minutes)
SHELL := bash
.PHONY: run test test-unit coverage demo dist check-dist docs docs-site web lock audit faults fuzz matrix

run:
	@bash .ci/environment run
	@exec .venv/bin/python manage.py serve $(ARGS)

test:
	@exec bash .ci/run $(ARGS)

test-unit:
	@bash .ci/environment dev
	@.venv/bin/python -m pytest -q -m unit -n 3 --dist worksteal $(ARGS)

demo:
	@bash .ci/environment run
	@exec .venv/bin/python -m demo $(ARGS)

dist:
	@bash .ci/environment run
	@rm -rf dist
	@.venv/bin/python -m hatchling build -t wheel -d dist
	@cd client && ../.venv/bin/python -m hatchling build -t wheel -d ../dist

check-dist:
	@bash .ci/check-dist

docs-site:
	@bash .ci/environment dev
	@bash .ci/docs-site

coverage:
	@bash .ci/environment dev
	@.venv/bin/python -m coverage run -m pytest -q -m unit $(ARGS)
	@.venv/bin/python -m coverage combine --quiet
	@.venv/bin/python -m coverage html --quiet
	@.venv/bin/python -m coverage report --skip-covered

docs:
	@bash .ci/environment dev
	@.venv/bin/python docs/reference/generate.py

web:
	@cd web/tooling && npm ci --silent --no-audit --no-fund && npm run --silent types && npm run --silent build

lock:
	@bash .ci/environment dev
	@bash .ci/lock $(ARGS)

audit:
	@bash .ci/environment dev
	@.venv/bin/uv tool run 'pip-audit>=2.9,<3' --require-hashes --disable-pip -r requirements.lock

fuzz:
	@bash .ci/environment dev
	@FUZZ_EXAMPLES=$${EXAMPLES:-1000} .venv/bin/python -m pytest -q tests/fuzz $(ARGS)

faults:
	@bash .ci/environment dev
	@PYTHONPATH=client .venv/bin/python -m tools.faults $(SCENARIO) $(ARGS)

matrix:
	@bash .ci/environment dev
	@MATRIX=full .venv/bin/python -m pytest -q -n 2 tests/matrix $(ARGS)
