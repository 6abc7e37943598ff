/* The one task that owns the device: events come in through a queue, actions are performed at once. It never waits for
 * the network, so that a lease that has run out is noticed in time, whatever the broker does. */
#ifndef TS_PORT_H
#define TS_PORT_H

#include "talkstick.h"
#include "talkstick_app.h"

/* What is driven: the device, or the claim before it. */
typedef struct {
    bool (*handle)(const ts_event *event, uint32_t now_ms);
    bool (*next)(ts_action *action);
    uint32_t (*due_ms)(uint32_t now_ms);
    void (*perform)(const ts_action *action);
} ts_machine;

/* How long may be waited for room in the queue. */
typedef enum { TS_POST_NOW, TS_POST_WAIT } ts_patience;

#define TS_ANY_LIFE 0 /* of events that are of no connection */

void ts_port_init(void);

/* Put an event into the queue; its texts are copied. `life`: of which connection it is. */
bool ts_port_post(const ts_event *event, uint16_t life, ts_patience patience);

/* Perform what is to be done, then wait for one event, or until a tick is due. */
void ts_port_step(const ts_machine *machine);

/* Perform an action that is for the network. Returns false where it is for something else. */
bool ts_port_network(const ts_action *action);

/* Return the time of the core. */
uint32_t ts_port_now_ms(void);

#endif
