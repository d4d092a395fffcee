# Every way of building, checking and running; `make` lists them. All builds take the versions of Cargo.lock.
CARGO ?= cargo
LEVEL ?= floor
SEED  ?= 1
# Drills side by side: each has servers of its own, and waits for most of its time.
BESIDE ?= 3
DIR   ?= da-data
DA    := target/release/da
CORES := gep demux dep
# What no core and no other service may pull in.
SHELL_CRATES := da-runtime|rdkafka|rdkafka-sys|tokio|sqlx|axum|hyper|reqwest|redis

.DEFAULT_GOAL := help
.PHONY: help setup check fmt lint trees rustdoc house papers schemas settings containers quick test every-test demo run drill bench measures docs golden fuzz up down audit

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## */\1\t/' | awk -F'\t' '{printf "  %-10s %s\n", $$1, $$2}'

setup: ## install the system packages that are missing, or say what and why
	@sh deploy/setup.sh

check: setup fmt lint trees rustdoc house papers schemas settings containers ## format, lints, arrows between crates, house rules, fresh papers
	@echo "check: ok"

fmt:
	$(CARGO) fmt --all -- --check

lint:
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked -p da-model $(CORES:%=-p %) --no-default-features --all-targets -- -D warnings

# A service core knows da-model only; a service knows no other service; da-runtime knows none.
trees:
	@set -e; for p in da-model $(CORES); do \
	  if $(CARGO) tree --locked -p $$p --no-default-features -e normal --prefix none | grep -E "^($(SHELL_CRATES)) v"; then \
	    echo "the core of $$p pulls in the crates above"; exit 1; fi; done
	@set -e; for p in da-model da-runtime $(CORES); do \
	  if $(CARGO) tree --locked -p $$p --all-features -e normal --prefix none | grep -E "^(gep|demux|dep|cli|tests) v" | grep -v "^$$p v"; then \
	    echo "$$p must not know the crates above"; exit 1; fi; done
	@set -e; for p in ring native-tls; do \
	  if $(CARGO) tree --locked -i $$p 2>/dev/null | grep .; then \
	    echo "TLS is aws-lc-rs alone; $$p comes with the crates above"; exit 1; fi; done

rustdoc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --workspace --quiet

house:
	$(CARGO) test --locked -p tests --test it house::

papers:
	$(CARGO) run --locked --quiet -p cli --bin da -- generate papers --check

schemas:
	$(CARGO) run --locked --quiet -p cli --bin da -- schemas check

settings:
	@set -e; for file in deploy/settings/*.yaml; do $(CARGO) run --locked --quiet -p cli --bin da -- validate $$file; done

containers:
	@sh deploy/lint.sh

quick: ## tests of the cores without any shell, and the simulation; seconds when warm
	$(CARGO) test --locked -p da-model $(CORES:%=-p %) --no-default-features
	$(CARGO) test --locked -p tests --test it sim

# Built first: brokers and compilers do not share two cores well.
test: ## all tests, with Kafka, registry and PostgreSQL started for them; the summary of the system tests closes the run
	@sh deploy/setup.sh full
	@$(MAKE) --no-print-directory every-test NO_RUN=--no-run
	@sh tests/foreign/venv.sh >/dev/null && echo "readers written elsewhere: ready" || true
	@KAFKA_SECURITY=sasl_ssl REGISTRY_SECURITY=tls POSTGRES_SECURITY=tls sh deploy/local/stack.sh with $(MAKE) --no-print-directory every-test

every-test:
	$(CARGO) test --locked --workspace --exclude tests $(NO_RUN)
	$(CARGO) test --locked -p tests --lib --bins $(NO_RUN)
	$(CARGO) test --locked -p tests --test it $(NO_RUN)

demo: setup $(DA) ## two classes of simulated learners, their tables filling live, and the proof at the end
	$(DA) demo

drill: setup ## kill, cut, overload, fill the disk under load, then audit: LEVEL=floor|target|moonshot SEED=n ONLY=name BESIDE=n
	$(CARGO) build --locked --release -p cli -p gep -p demux -p dep
	@[ -n "$(ONLY)" ] || $(CARGO) run --locked -p tests --bin drill -- --level $(LEVEL) --seed $(SEED)
	@sh deploy/setup.sh full
	$(CARGO) run --locked -p tests --bin drill -- --cluster --level $(LEVEL) --seed $(SEED) --beside $(BESIDE) $(if $(ONLY),--only $(ONLY))

bench: setup $(DA) ## cost per event of every stage, of the whole process, and beside peers on real Kafka: ONLY=part
	$(CARGO) build --locked --release -p gep -p demux -p dep -p tests --bins
	@sh deploy/setup.sh full
	$(if $(filter publish,$(ONLY)),,target/release/bench $(ONLY))
	$(if $(filter-out publish,$(ONLY)),,sh deploy/local/stack.sh with target/release/bench publish)

measures: ## print the size table into docs/generated/measures.md; fail on what must hold
	$(CARGO) run --locked --quiet -p tests --bin measures -- docs/generated/measures.md

docs: ## regenerate docs/generated from topics, schemas, registries and names
	$(CARGO) run --locked --quiet -p cli --bin da -- generate papers

golden: ## accept new golden output (there is none yet: cases state the numbers of the document themselves)
	@echo "no golden files: every case under tests/cases states its numbers itself"

fuzz: ## many random inputs to parser, adapters and codec
	PROPTEST_CASES=20000 $(CARGO) test --locked --release -p da-model -p gep

run: setup $(DA) ## start everything in one process on one file; stop with Ctrl-C or `make down`
	$(DA) up --dir $(DIR)

up: ## start Kafka, registry and PostgreSQL on this machine, and print their addresses
	@sh deploy/setup.sh full
	@sh deploy/local/stack.sh start
	@sh deploy/local/stack.sh env

down: ## stop what `make up` started, and the `make run` of this folder
	@sh deploy/local/stack.sh stop
	@if [ -s $(DIR)/da.pid ]; then kill -TERM "$$(cat $(DIR)/da.pid)" 2>/dev/null && \
	  echo "asked the process of $(DIR) to stop" || echo "nothing runs on $(DIR)"; fi

audit: ## licences, advisories, unused dependencies (needs cargo-deny)
	$(CARGO) deny --locked check

$(DA): FORCE
	$(CARGO) build --locked --release -p cli --bin da

.PHONY: FORCE
FORCE:
