/* The session: who holds the board is what the document says, and only the newest one. */
#include "internal.h"

#include <string.h>

#define PATIENCE_MS 2000u /* a document, or its renewal, takes this long to come */

/* Small signs of life renew a lease by up to a tenth, and no new document tells. So while connected the board waits a
 * little longer for the server to say that it is over; alone it does not. */
static uint32_t patience_of(const ts_session *session) { return session->lease_ms / 8 + PATIENCE_MS; }

static void watch_lease(ts_device *device) {
    const ts_session *session = &device->session;
    uint32_t patience = session->known ? patience_of(session) : 0;
    int32_t left = (int32_t)(session->lease_at + patience - device->now);

    ts_timer_stop(device, TS_TIMER_LEASE);
    if (!session->in_use || !session->lease) return;
    ts_timer_set(device, TS_TIMER_LEASE, left > 0 ? (uint32_t)left : 0);
}

void ts_session_stop(ts_device *device, ts_reason reason) {
    device->session.in_use = false;
    ts_timer_stop(device, TS_TIMER_LEASE);
    ts_timer_stop(device, TS_TIMER_GRACE);
    ts_be_safe(device, reason);
}

void ts_session_lost(ts_device *device) {
    uint32_t grace = device->config->link_grace_ms;

    device->session.known = false;
    watch_lease(device);
    if (device->session.in_use && grace > 0 && !device->timers[TS_TIMER_GRACE].set)
        ts_timer_set(device, TS_TIMER_GRACE, grace);
}

/* Begin the work, or begin it anew with another input. */
static void tell_work(ts_device *device, const ts_work *work) {
    ts_action action = {0};

    device->session.told_job = device->session.job;
    if (++device->session.work == 0) device->session.work = 1; /* what was asked for before has no results any more */
    if (device->session.complete || ts_outbox_has_end(device)) return;
    action.kind = TS_DO_WORK;
    action.fence = device->session.fence;
    action.job = device->session.job;
    action.number = device->session.work;
    (void)ts_json_string(work->type, device->out, sizeof device->out);
    action.type = ts_text_of(device->out);
    action.data = work->input;
    ts_todo(device, action);
}

static void tell_clean(ts_device *device) {
    ts_session *session = &device->session;
    ts_action action = {0};

    if (session->cleaned && session->cleaned_fence == session->fence) {
        if (session->clean && ts_chore_is(device, TS_CHORE_RESET, TS_CHORE_IDLE))
            ts_chore_want(device, TS_CHORE_RESET); /* said before this connection, perhaps in vain */
        return;
    }
    session->cleaned = true;
    session->clean = false;
    session->cleaned_fence = session->fence;
    action.kind = TS_DO_CLEAN;
    action.fence = session->fence;
    ts_todo(device, action);
}

void ts_session_clean(ts_device *device) {
    ts_session *session = &device->session;

    if (!session->cleaned || session->clean) return;
    session->clean = true;
    if (session->known && session->state == TS_STATE_RESETTING) ts_chore_want(device, TS_CHORE_RESET);
}

bool ts_reset_write(ts_device *device, ts_writer *out) {
    ts_put(out, "{\"fence\":");
    ts_put_u32(out, device->session.cleaned_fence);
    ts_put(out, ",\"reset\":true}");
    return true;
}

/* The work goes on: it is the same grant, or was handed over within the same session. */
static bool goes_on(const ts_session *before, const ts_session *session) {
    if (!before->in_use || !session->in_use) return false;
    return session->fence == before->fence ||
           (session->id[0] != '\0' && ts_text_is(ts_text_of(session->id), before->id));
}

/* What has changed from `before`, as far as the work is concerned. */
static void follow(ts_device *device, const ts_session *before, const ts_work *work) {
    ts_session *session = &device->session;
    bool same = goes_on(before, session);

    if (same && session->fence != before->fence) ts_outbox_handed_over(device, before->fence, session->fence);
    if (before->in_use && !same) {
        bool in_use = session->in_use;
        ts_session_stop(device, TS_SAFE_ENDED);
        session->in_use = in_use;
    }
    if (session->in_use && (!same || session->job > session->told_job)) tell_work(device, work);
    if (!session->in_use && session->state == TS_STATE_RESETTING && device->config->clean_step)
        tell_clean(device);
    else
        ts_chore_drop(device, TS_CHORE_RESET);
}

/* Tell whether a document says that nobody holds the board, or does no more. */
static bool is_over(const ts_session *session) {
    return session->state == TS_STATE_FREE || session->state == TS_STATE_RESETTING ||
           session->state == TS_STATE_COOLING;
}

/* Tell whether this is a fence that another session had, or whose session is over: an older database was restored, and
 * it was given out again. */
static bool is_given_again(const ts_session *known, const ts_session *next) {
    if (next->fence != known->fence) return false;
    if (known->id[0] != '\0' && next->id[0] != '\0' && !ts_text_is(ts_text_of(next->id), known->id)) return true;
    return known->known && next->revision < known->revision && is_over(known) && !is_over(next);
}

/* Tell whether a document may be believed: within a connection only a newer one, on a new one any of this fence. That a
 * session is over never comes late: with its fence none begins again. */
static bool is_current(const ts_session *known, const ts_session *next) {
    return next->fence > known->fence || !known->known || next->revision >= known->revision ||
           (is_over(next) && !is_over(known));
}

/* The very document that is known already, as the broker keeps it: it was published when we heard of it first, not now.
 * Its lease may be over, and nobody there to say so. (After weeks, a time in the past looks like one in the future.) */
static void go_on_with_lease(const ts_session *before, ts_session *next, uint32_t now) {
    uint32_t left = before->lease_at + patience_of(before) - now;

    next->lease_at = before->lease_at;
    next->lease_ms = before->lease_ms;
    if (next->lease && (left == 0 || left > before->lease_ms + patience_of(before))) next->in_use = false;
}

static void believe(ts_device *device, ts_session *next, const ts_work *work, bool retained) {
    ts_session before = device->session;
    bool again = before.believed && next->fence == before.fence && next->revision == before.revision;

    next->known = true;
    next->believed = true;
    if (next->id[0] == '\0' && next->fence == before.fence)
        memcpy(next->id, before.id, sizeof next->id); /* it is over */
    next->lease_at = device->now + next->lease_ms;
    if (again && retained) go_on_with_lease(&before, next, device->now);
    device->session = *next;
    device->attempt = 0;
    device->show = true;
    ts_timer_stop(device, TS_TIMER_GRACE);
    follow(device, &before, work);
    watch_lease(device);
    ts_outbox_settle(device);
}

/* Nobody knows this device any more. What it knew of fences it keeps. */
static void removed(ts_device *device) {
    device->session.known = true;
    device->session.state = TS_STATE_FREE;
    device->session.complete = false;
    device->session.waiting = 0;
    device->session.holder[0] = '\0';
    device->session.holder_name[0] = '\0';
    ts_session_stop(device, TS_SAFE_REMOVED);
    ts_outbox_settle(device);
    ts_chore_drop(device, TS_CHORE_RESET);
}

/* It is not taken: the server shall learn which fence it must be above. */
static void refuse(ts_device *device, const ts_session *next, ts_text topic) {
    ts_session *session = &device->session;

    if (is_given_again(session, next)) {
        if (session->fence < UINT32_MAX) session->fence++; /* that of another session would not do, either */
        session->id[0] = '\0';
        session->known = false;
    }
    ts_note(device, TS_CODE_STALE_FENCE, topic);
    ts_chore_want(device, TS_CHORE_BIRTH_AGAIN);
    if (!session->known && session->in_use) ts_session_stop(device, TS_SAFE_ENDED);
}

void ts_session_document(ts_device *device, const ts_event *event) {
    ts_session next = device->session;
    ts_work work;
    const char *wrong;

    if (event->data.size == 0) {
        removed(device);
        return;
    }
    wrong = ts_document_read(event->data, &next, &work);
    if (wrong != NULL) {
        ts_note(device, wrong, event->topic);
        return;
    }
    if (is_given_again(&device->session, &next) || next.fence < device->session.fence)
        refuse(device, &next, event->topic);
    else if (is_current(&device->session, &next)) /* else it is told twice, or in the wrong order */
        believe(device, &next, &work, event->on);
}
