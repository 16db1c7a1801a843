from odoo import models
from odoo.tools import SQL, Query

# How many groups there are, in each row that has one: beside aggregates like `duration_hours:sum`.
GROUP_COUNT = 'id:group_count'


class AssistGroupedLists(models.AbstractModel):
    """Groups of very many records: the records are read once, and by their own table alone.

    Odoo reads all of them once more to count the groups, and joins to each record what its group
    is called, to order by it. Of a million sessions both take longer than the sums.
    """

    _name = 'assist.grouped.lists'
    _description = "Groups Very Many Records in One Look"

    # === GROUPING === #

    def _formatted_read_group_with_length(
        self, domain, groupby, aggregates, offset=0, limit=None, order=None
    ):
        # OVERRIDE web: groups are counted where they are read, as long as these are not all
        if not limit:
            return super()._formatted_read_group_with_length(
                domain, groupby, aggregates, offset, limit, order
            )
        groups = self.formatted_read_group(
            domain, groupby, [*aggregates, GROUP_COUNT], offset=offset, limit=limit, order=order
        )
        counts = [group.pop(GROUP_COUNT) for group in groups]
        if len(groups) == limit:
            return groups, counts[0]
        return groups, len(groups) + offset if groups else 0

    def _read_group_select(self, aggregate_spec, query):
        # EXTENDS base
        if aggregate_spec == GROUP_COUNT:
            return SQL("COUNT(*) OVER ()")
        return super()._read_group_select(aggregate_spec, query)

    def _read_group_orderby(self, order, groupby_terms, query):
        # OVERRIDE base: what groups are called is looked up for each group, once they are made
        order_by = super()._read_group_orderby
        if not order:
            return order_by(order, groupby_terms, query)
        terms = [
            self._order_groups_by_name(part, groupby_terms) or order_by(part, groupby_terms, query)
            for part in order.split(',')
        ]
        return SQL(", ").join(filter(None, terms))

    def _order_groups_by_name(self, part, groupby_terms):
        """Return the SQL that orders groups as the records are ordered that they are of.

        :param str part: one term of an order, with its direction
        :return: None where it is no column that refers to records, or these have another order
            than by their own fields
        """
        name, *direction = part.lower().split() or ['']
        field = self._fields.get(name)
        if (
            name not in groupby_terms
            or direction not in ([], ['asc'], ['desc'])
            or not (field and field.type == 'many2one' and field.store)
            or field.company_dependent
        ):
            return None
        records, terms = self.env[field.comodel_name], []
        for term in records._order.lower().split(','):
            by, *way = term.split()
            if by not in records._fields or records._fields[by].type == 'many2one' or way[1:]:
                return None
            # An alias of its own: sessions refer to sessions.
            query = Query(self.env, 'grouped', SQL.identifier(records._table))
            value = records._order_field_to_sql('grouped', by, SQL(), SQL(), query)
            query.add_where(SQL("%s = %s", SQL.identifier('grouped', 'id'), groupby_terms[name]))
            is_descending = (way == ['desc']) != (direction == ['desc'])
            terms.append(
                SQL("(%s) %s", query.select(value), SQL("DESC") if is_descending else SQL("ASC"))
            )
        return SQL(", ").join(terms)
