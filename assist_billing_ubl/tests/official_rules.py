"""Checks e-invoices by official rules: schemas, and the schematrons of EN 16931 and Factur-X.

A program of its own, for what runs the schematrons keeps threads that a test's process should not
have:

    python official_rules.py FILE...

It is given the folder of the rules by the environment, and prints `{file: [finding, …]}` as JSON.
"""

import json
import os
import resource
import sys
from functools import cache
from pathlib import Path

from lxml import etree

# The folder of the rules, and of what runs them; `tools/environment` fetches it.
FOLDER = os.environ.get('ASSIST_EINVOICE_RULES', '')
RULES = Path(FOLDER) / 'facturx/xsd_and_schematron'
SVRL = '{http://purl.oclc.org/dsdl/svrl}'
# Root element -> schema, schematron.
KINDS = {
    'Invoice': ('ubl-2.1/maindoc/UBL-Invoice-2.1.xsd', 'ubl-2.1/EN16931-UBL-validation.xslt'),
    'CreditNote': ('ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd', 'ubl-2.1/EN16931-UBL-validation.xslt'),
    'CrossIndustryInvoice': (
        'facturx-extended/Factur-X_EXTENDED.xsd',
        'facturx-extended/FACTUR-X_EXTENDED.xslt',
    ),
}


@cache
def get_schema(path):
    return etree.XMLSchema(etree.parse(RULES / path))


@cache
def get_schematron(processor, path):
    return processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES / path))


def find(processor, path):
    """Return what is wrong with an e-invoice, in the words of the rules."""
    document = etree.parse(path)
    schema_path, schematron_path = KINDS[etree.QName(document.getroot()).localname]
    schema = get_schema(schema_path)
    if not schema.validate(document):
        # A schematron takes the schema for granted.
        return [f'{error.line}: {error.message}' for error in schema.error_log]
    findings = []
    report = get_schematron(processor, schematron_path).transform_to_string(source_file=path)
    for failed in etree.fromstring(report.encode()).iter(f'{SVRL}failed-assert'):
        words = ' '.join(''.join(failed.itertext()).split())
        findings.append(f"{failed.get('id')} {failed.get('location')}: {words}")
    return findings


def main(paths):
    sys.path.append(FOLDER)
    # What runs the schematrons reserves more than Odoo lets its own processes have.
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    from saxonche import PySaxonProcessor  # noqa: PLC0415 - only here is its folder on the path

    with PySaxonProcessor(license=False) as processor:
        findings = {path: find(processor, path) for path in paths}
    sys.stdout.write(json.dumps(findings))


if __name__ == '__main__':
    main(sys.argv[1:])
