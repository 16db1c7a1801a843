import { registry } from "@web/core/registry";
import { CalendarController } from "@web/views/calendar/calendar_controller";
import { CalendarModel } from "@web/views/calendar/calendar_model";
import { calendarView } from "@web/views/calendar/calendar_view";

// As many entries are read, and shown; more than these no calendar can show, and nobody can read.
const MOST = 500;

/** A calendar that reads so many entries of its days, the first by the model's order. */
export class BusyCalendarModel extends CalendarModel {
    async fetchRecords(data) {
        const { context, fieldNames, resModel } = this.meta;
        const names = [...new Set([...fieldNames, ...Object.keys(this.meta.activeFields)])];
        const found = await this.orm.searchRead(resModel, this.computeDomain(data), names, {
            context,
            limit: MOST + 1,
        });
        data.isCut = found.length > MOST;
        return found.slice(0, MOST);
    }
}

/** It says above the days that there is more than it shows. */
export class BusyCalendarController extends CalendarController {
    static template = "assist_billing.BusyCalendar";

    get most() {
        return MOST;
    }
}

registry.category("views").add("assist_busy_calendar", {
    ...calendarView,
    Controller: BusyCalendarController,
    Model: BusyCalendarModel,
});
