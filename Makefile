# Chartline. `make` alone says what there is.
.DEFAULT_GOAL := help
.PHONY: help run test soak check train evaluate shell rasa accounts letters format widget clean

PYTHON := .venv/bin/python

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up what is missing and start the portal, the actions and the assistant
	@scripts/setup.sh run
	@exec $(PYTHON) -m scripts.run

test: ## Set up what is missing and run all tests
	@scripts/setup.sh test
	@$(PYTHON) -m scripts.train
	@$(PYTHON) -m pytest $(ARGS)

soak: ## The fault tests in their long form, about an hour: each point killed 20 times, a longer load
	@scripts/setup.sh test
	@$(PYTHON) -m scripts.train
	@CHARTLINE_SOAK=1 $(PYTHON) -m pytest tests/faults $(ARGS)

check: ## Lint, types and the import rules of the rooms
	@scripts/setup.sh test
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest -q tests/test_architecture.py

train: ## Train the model, if what it is made of has changed
	@scripts/setup.sh run
	@$(PYTHON) -m scripts.train

evaluate: ## Measure understanding: make evaluate FILE=utterances.jsonl OUT=report.json (both may be left out)
	@scripts/setup.sh run
	@$(PYTHON) -m scripts.evaluate "$(FILE)" "$(OUT)"

shell: ## Chat in the terminal with what `make run` started
	@scripts/setup.sh run
	@exec $(PYTHON) -m scripts.shell

rasa: ## One of Rasa's own commands, for example: make rasa ARGS="shell nlu"
	@scripts/setup.sh run
	@exec $(PYTHON) -m scripts.rasa $(ARGS)

accounts: ## An operator's command, for example: make accounts ARGS="rotate-keys"
	@scripts/setup.sh run
	@exec $(PYTHON) -m scripts.accounts $(ARGS)

letters: ## Messages that were given up, for example: make letters ARGS="list"
	@scripts/setup.sh run
	@exec $(PYTHON) -m scripts.letters $(ARGS)

format: ## Format the code
	@scripts/setup.sh test
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

widget: ## Build the chat widget from its source (needs Node.js; the built file is in the repository)
	cd bot/web/widget && npm ci && npm run build

clean: ## Remove the environment, the models and all state, demo patients included
	rm -rf .venv .tools var models/*.tar.gz
