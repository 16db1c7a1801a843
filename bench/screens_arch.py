"""What the web client reads for a view: the specification of its fields, its groups and measures.

Follows `web/static/src/model/relational_model/utils.js` and the arch parsers of the views. Columns
that are hidden are read all the same.
"""

ALWAYS = ('1', 'True')
NUMBERS = ('integer', 'float', 'monetary')
LIMITS = {'list': 80, 'kanban': 40, 'form': 40}


def make_specification(arch, fields, load_view):
    """Return what `web_read` is asked for.

    :param arch: the view, parsed
    :param fields: of its model, as `get_views` says them
    :param load_view: function of (model, type) that returns (arch, fields) of a view not in `arch`
    """
    specification = {}
    for node in find_fields(arch):
        name = node.get('name')
        kind = fields[name]['type']
        hidden = node.get('invisible') in ALWAYS
        if kind in ('one2many', 'many2many'):
            specification[name] = {} if hidden else _read_many(node, fields[name], load_view)
        elif kind in ('many2one', 'reference'):
            specification[name] = {'fields': {} if hidden else {'display_name': {}}}
        else:
            specification.setdefault(name, {})
    return specification


def _read_many(node, field, load_view):
    """Return what is read of the records in a field."""
    views = [child for child in node if child.tag in ('list', 'kanban')]
    if views:
        arch, fields = views[0], load_view(field['relation'], None)[1]
    elif 'tags' in node.get('widget', '') or node.get('widget') or _is_in_list(node):
        return {'fields': {'display_name': {}}}
    else:
        arch, fields = load_view(field['relation'], node.get('mode', 'list').partition(',')[0])
    return {
        'fields': make_specification(arch, fields, load_view),
        'limit': int(arch.get('limit') or LIMITS['form']),
        'order': arch.get('default_order') or '',
    }


def _is_in_list(node):
    return any(parent.tag in ('list', 'kanban') for parent in node.iterancestors())


def find_fields(arch):
    """Yield the fields of a view, without those of views inside of it."""
    for child in arch:
        if child.tag == 'field':
            yield child
        elif child.tag != 'groupby' and isinstance(child.tag, str):
            yield from find_fields(child)


def get_aggregates(names, fields):
    """Return the aggregates that a grouped view asks for of its fields."""
    aggregates = []
    for name in dict.fromkeys(names):
        field = fields[name]
        if not field.get('aggregator') or field['type'] not in NUMBERS:
            continue
        aggregates.append(f'{name}:{field["aggregator"]}')
        if currency := field.get('currency_field'):
            aggregates += [f'{currency}:array_agg_distinct', f'{name}:sum_currency']
    return list(dict.fromkeys(aggregates))


def get_group_by(node, fields):
    """Return the group that a field of a pivot or graph makes."""
    name = node.get('name')
    if fields[name]['type'] in ('date', 'datetime'):
        return f'{name}:{node.get("interval", "month")}'
    return name


def get_pivot(arch, fields):
    """Return grouping sets and aggregates of a pivot as it opens."""
    axes = {
        axis: [get_group_by(node, fields) for node in find_fields(arch) if node.get('type') == axis]
        for axis in ('row', 'col')
    }
    measures = [node.get('name') for node in find_fields(arch) if node.get('type') == 'measure']
    rows, columns = ([axis[:end] for end in range(len(axis) + 1)] for axis in axes.values())
    sets = [row + column for row in rows for column in columns]
    return sets, get_aggregates(measures, fields) + ['__count']


def get_graph(arch, fields):
    """Return groups and aggregates of a graph as it opens."""
    nodes = [node for node in find_fields(arch) if node.get('invisible') not in ALWAYS]
    measures = [node.get('name') for node in nodes if node.get('type') == 'measure']
    groups = [get_group_by(node, fields) for node in nodes if node.get('type') != 'measure']
    return groups, get_aggregates(measures, fields) + ['__count']
