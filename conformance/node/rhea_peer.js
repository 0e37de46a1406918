/*
 * Drives rhea, an AMQP 1.0 client, without any of Microsoft's packages: SASL PLAIN with a token, or no SASL at all
 * and a certificate. What a program without an SDK has to know by itself is in conformance/clients/peer.py.
 */
'use strict';

const { createHmac } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const rhea = require('rhea');
const { serve } = require('./lines');

const PORT = 5671;
const LIFETIME = 3600;
const PROPERTIES = { 'com.microsoft:api-version': '2019-03-31' };

function token(resource, key) {
  const encoded = encodeURIComponent(resource);
  const expiry = Math.floor(Date.now() / 1000) + LIFETIME;
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(`${encoded}\n${expiry}`).digest('base64');
  return `SharedAccessSignature sr=${encoded}&sig=${encodeURIComponent(signature)}&se=${expiry}`;
}

function credential({ symmetricKey, certificateFile, keyFile }, name) {
  if (symmetricKey) return { username: name, password: token(name, symmetricKey) };
  return { cert: readFileSync(certificateFile), key: readFileSync(keyFile) };
}

/* The answer to the next request; it fails with the server's reason, wherever that comes from. */
function answer(connection) {
  return new Promise((resolve, reject) => {
    const fail = ({ delivery, connection, receiver, sender, error }) => reject(
      delivery?.remote_state?.error ?? receiver?.error ?? sender?.error ?? connection?.error ?? error);
    connection.once('message', ({ message }) => resolve(message));
    for (const event of ['rejected', 'receiver_error', 'sender_error', 'connection_error', 'disconnected']) {
      connection.once(event, fail);
    }
  });
}

async function ask(connection, sender, application_properties, body) {
  const pending = answer(connection);
  sender.send({ correlation_id: rhea.generate_uuid(), application_properties, body });
  return pending;
}

async function register(request) {
  const { idScope, registrationId, provisioningHost: host, caFile } = request;
  const name = `${idScope}/registrations/${registrationId}`;
  const connection = rhea.create_container().connect({
    transport: 'tls', host, port: PORT, ca: readFileSync(caFile), reconnect: false, ...credential(request, name),
  });
  connection.open_receiver({ source: name, properties: PROPERTIES });
  const sender = connection.open_sender({ target: name, properties: PROPERTIES });
  await once(sender, 'sendable');
  const body = rhea.message.data_section(Buffer.from(JSON.stringify({ registrationId })));
  let message = await ask(connection, sender, { 'iotdps-operation-type': 'iotdps-register' }, body);
  let result = JSON.parse(message.body.content);
  while (result.status === 'assigning') {
    await sleep(message.application_properties['retry-after'] * 1000);
    const poll = { 'iotdps-operation-type': 'iotdps-get-operationstatus', 'iotdps-operation-id': result.operationId };
    message = await ask(connection, sender, poll, '');
    result = JSON.parse(message.body.content);
  }
  connection.close();
  return result.registrationState;
}

serve({ register });
