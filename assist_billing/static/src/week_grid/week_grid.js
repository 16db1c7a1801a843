import { Component, useExternalListener, useRef, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const STEP = 30;
const MINUTES = 24 * 60;
const COLORS = 8;

export function formatMinute(minute) {
    const pad = (number) => String(number).padStart(2, "0");
    return `${pad(Math.floor(minute / 60))}:${pad(minute % 60)}`;
}

/** Return `spans` ([from, to, band], in order) with what lies between two minutes in one band. */
export function paintSpans(spans, from, to, band) {
    const left = [];
    for (const [start, end, other] of spans) {
        if (start < from) {
            left.push([start, Math.min(end, from), other]);
        }
        if (end > to) {
            left.push([Math.max(start, to), end, other]);
        }
    }
    if (band) {
        left.push([from, to, band]);
    }
    left.sort((one, other) => one[0] - other[0]);
    const joined = [];
    for (const span of left) {
        const last = joined.at(-1);
        if (last && last[1] === span[0] && last[2] === span[2]) {
            last[1] = span[1];
        } else {
            joined.push([...span]);
        }
    }
    return joined;
}

/**
 * The week of service hours, painted band by band: with the mouse or a finger over times and days,
 * or with the keyboard (arrows; space or Enter paints, and with shift held arrows do).
 *
 * Its value is what the server makes lines of: day -> [[first minute, minute after the last, band]].
 */
export class WeekGridField extends Component {
    static template = "assist_billing.WeekGrid";
    static props = { ...standardFieldProps };

    setup() {
        this.table = useRef("table");
        this.state = useState({ week: null, band: undefined, from: null, to: null });
        // The cell that Tab goes to.
        Object.assign(this.state, { day: "0", slot: 16 });
        this.strokes = 0;
        // Wherever the pointer is by then: it may have left the grid, or be a finger's.
        useExternalListener(window, "pointermove", (event) => this.onPointerMove(event));
        useExternalListener(window, "pointerup", () => this.onPointerUp());
        useExternalListener(window, "pointercancel", () => this.onPointerCancel());
        this.slots = Array.from({ length: MINUTES / STEP }, (_, slot) => slot);
        this.hours = Array.from({ length: 24 }, (_, hour) => hour);
    }

    // === WHAT IS SHOWN === //

    /** As it is painted; the record's own comes when the server has answered the last stroke. */
    get week() {
        return this.state.week || this.props.record.data[this.props.name] || {};
    }

    get bands() {
        const { bands = [] } = this.props.record.data.choices || {};
        return bands.map(([id, name], index) => ({ id, name, color: index % COLORS }));
    }

    get days() {
        return this.props.record.data.choices?.days || [];
    }

    /** The band that is painted with: the first until one is chosen; 0 is none. */
    get band() {
        return this.state.band ?? this.bands[0]?.id ?? 0;
    }

    getBand(id) {
        return this.bands.find((band) => band.id === id);
    }

    getSpans(day) {
        return this.week[day] || [];
    }

    /** Return the band of a cell: undefined for none, null where it has several. */
    getCellBand(day, slot) {
        const [from, to] = [slot * STEP, (slot + 1) * STEP];
        const found = this.getSpans(day).filter(([start, end]) => start < to && end > from);
        if (!found.length) {
            return undefined;
        }
        const [start, end, id] = found[0];
        return found.length === 1 && start <= from && end >= to ? this.getBand(id) : null;
    }

    getCellClass(day, slot) {
        const band = this.getCellBand(day, slot);
        const classes = [
            band === null ? "o_assist_mixed" : band ? `o_assist_band_${band.color}` : "",
        ];
        if (slot % 2 === 0) {
            classes.push("o_assist_hour");
        }
        if (this.isMarked(day, slot)) {
            classes.push("o_assist_marked");
        }
        return classes.join(" ");
    }

    getCellLabel(day, slot) {
        const band = this.getCellBand(day, slot);
        const name =
            band === null ? _t("several bands") : band ? band.name : _t("the plan's price");
        const label = this.days.find(([key]) => key === day)[1];
        return `${label} ${formatMinute(slot * STEP)}–${formatMinute((slot + 1) * STEP)}: ${name}`;
    }

    /** The names that stand on stretches, in percent of the day: colours are not all there is. */
    getLabels(day) {
        return this.getSpans(day)
            .filter(([start, end]) => end - start >= 120)
            .map(([start, end, id]) => ({
                key: start,
                name: this.getBand(id)?.name,
                style: `left: ${(100 * start) / MINUTES}%; width: ${(100 * (end - start)) / MINUTES}%`,
            }));
    }

    // === PAINTING === //

    async paint(days, from, to, band) {
        const week = { ...this.week };
        for (const day of days) {
            week[day] = paintSpans(this.getSpans(day), from, to, band);
        }
        this.state.week = week;
        const stroke = ++this.strokes;
        await this.props.record.update({ [this.props.name]: week });
        if (stroke === this.strokes) {
            this.state.week = null;
        }
    }

    /** The rectangle between two cells: of some days, the same time of each. */
    getRectangle() {
        const { from, to } = this.state;
        const keys = this.days.map(([key]) => key);
        const rows = [keys.indexOf(from.day), keys.indexOf(to.day)].sort((a, b) => a - b);
        const slots = [from.slot, to.slot].sort((a, b) => a - b);
        return { days: keys.slice(rows[0], rows[1] + 1), first: slots[0], last: slots[1] };
    }

    isMarked(day, slot) {
        if (!this.state.from) {
            return false;
        }
        const { days, first, last } = this.getRectangle();
        return days.includes(day) && first <= slot && slot <= last;
    }

    getCellOf(element) {
        const cell = element?.closest?.("[data-slot]");
        if (!cell || !this.table.el.contains(cell)) {
            return null;
        }
        return { day: cell.dataset.day, slot: Number(cell.dataset.slot) };
    }

    onPointerDown(event) {
        const cell = this.getCellOf(event.target);
        if (!cell || this.props.readonly || event.button) {
            return;
        }
        event.preventDefault();
        this.focusCell(cell);
        Object.assign(this.state, { from: cell, to: cell });
    }

    onPointerMove(event) {
        if (!this.state.from) {
            return;
        }
        // A finger's events go to where it was put down: what is under it has to be looked up.
        const cell = this.getCellOf(document.elementFromPoint(event.clientX, event.clientY));
        if (cell) {
            this.state.to = cell;
        }
    }

    async onPointerUp() {
        if (!this.state.from) {
            return;
        }
        const { days, first, last } = this.getRectangle();
        Object.assign(this.state, { from: null, to: null });
        await this.paint(days, first * STEP, (last + 1) * STEP, this.band);
    }

    onPointerCancel() {
        Object.assign(this.state, { from: null, to: null });
    }

    // === KEYBOARD === //

    focusCell({ day, slot }) {
        Object.assign(this.state, { day, slot });
        this.table.el.querySelector(`[data-day="${day}"][data-slot="${slot}"]`)?.focus();
    }

    async onKeydown(event) {
        const cell = this.getCellOf(event.target);
        if (!cell) {
            return;
        }
        const keys = this.days.map(([key]) => key);
        const row = keys.indexOf(cell.day);
        const last = this.slots.length - 1;
        const target = {
            ArrowLeft: { ...cell, slot: Math.max(0, cell.slot - 1) },
            ArrowRight: { ...cell, slot: Math.min(last, cell.slot + 1) },
            ArrowUp: { ...cell, day: keys[Math.max(0, row - 1)] },
            ArrowDown: { ...cell, day: keys[Math.min(keys.length - 1, row + 1)] },
            Home: { ...cell, slot: 0 },
            End: { ...cell, slot: last },
            " ": cell,
            Enter: cell,
        }[event.key];
        if (!target) {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
        const paints = target === cell || event.shiftKey;
        this.focusCell(target);
        if (paints && !this.props.readonly) {
            for (const { day, slot } of target === cell ? [cell] : [cell, target]) {
                await this.paint([day], slot * STEP, (slot + 1) * STEP, this.band);
            }
        }
    }
}

registry.category("fields").add("assist_week_grid", {
    component: WeekGridField,
    displayName: _t("Painted Week"),
    supportedTypes: ["json"],
    fieldDependencies: [{ name: "choices", type: "json" }],
});
