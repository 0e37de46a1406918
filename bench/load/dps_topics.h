/* What the devices say over MQTT: user name, filter and topics (see "MQTT 3.1.1" of the device protocols). */
#ifndef HOMEPORT_LOAD_DPS_TOPICS_H
#define HOMEPORT_LOAD_DPS_TOPICS_H

#define RESPONSES "$dps/registrations/res/"
#define USER_FORMAT "%s/registrations/%s/api-version=2019-03-31"
#define REGISTER_TOPIC "$dps/registrations/PUT/iotdps-register/?$rid=1"
#define POLL_TOPIC_FORMAT "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=%s"

#endif
