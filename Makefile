# What one can do here. Each target is a program in tools/ that can be run by itself; `tools/odoo` runs Odoo's own commands.

.PHONY: help run test thorough processes neighbours fuzz bench compare faults lint format translations pictures shell clean lock

help:
	@echo "make run      Odoo with the add-on and its demo on http://127.0.0.1:8069 (PORT=..., SERVE=0)"
	@echo "make test     the tests, in a fresh database, in minutes"
	@echo "make thorough   whole what make test leaves out or shortens: every shape of bill, every tour"
	@echo "make processes   tests that kill, cut off, upgrade and watch real processes"
	@echo "make neighbours   the tests beside other add-ons, of Odoo and OCA (SHORT=1: in minutes)"
	@echo "make fuzz     bad input of every kind, through every way in (MINUTES=10)"
	@echo "make bench    how fast it is, in figures (QUICK=1: in 15 minutes; LARGE=1: a large month end; SCREENS=1: every screen)"
	@echo "make compare  bills made all at once and one by one, beside Sales and other add-ons of Odoo"
	@echo "make faults   what a month end costs when things go wrong: nothing (QUICK=1: a smaller one)"
	@echo "make lint     check the code's form;  make format  mend it"
	@echo "make translations   bring the .pot and .po files up to date"
	@echo "make pictures the pictures of docs/images anew, from the demo, in a browser"
	@echo "make shell    Python with Odoo's env, in the demo's database (DB=...)"
	@echo "make clean    remove this clone's databases and files"
	@echo "tools/odoo    Odoo's own command line;  tools/pytest  some tests;  tools/db  the databases"
	@echo "ODOO_PATH=... use an Odoo 19.0 of your own"

run test thorough processes neighbours fuzz bench compare faults lint format translations pictures clean lock:
	@tools/python tools/$@

shell:
	@tools/python tools/odoo shell -d $(or $(DB),assist_demo)
