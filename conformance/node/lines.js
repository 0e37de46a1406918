/*
 * The line protocol that every Node judge speaks: one JSON request in, one JSON answer out, one after the other.
 * The twin of conformance/clients/lines.py: an error keeps what the SDK reports and, where the SDK kept it, the
 * server's status and body.
 */
'use strict';

const readline = require('node:readline');

async function serve(verbs) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const question = JSON.parse(line);
    const answer = await settle(() => verbs[question.verb](question.request));
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
  process.exit(0); // SDK clients keep timers and agents alive
}

async function settle(work) {
  try {
    return { value: (await work()) ?? null };
  } catch (error) {
    return { error: describe(error) };
  }
}

function describe(error) {
  const description = { type: error.name, message: error.message, causes: [] };
  if (error.transportError) {
    description.causes.push({ type: error.transportError.name, message: error.transportError.message });
  }
  if (error.condition) { // AMQP: the SDK hands on the peer's error as it came
    const body = parsed(error.description);
    return { type: error.condition, message: error.description, causes: [], status: Math.floor(body.errorCode / 1000), body };
  }
  if (error.response) { // HTTP
    return { ...description, status: error.response.statusCode, body: parsed(error.responseBody) };
  }
  if (error.transportObject) { // MQTT: the status stands in the topic of the answer
    const status = Number(error.transportObject.topic.match(/\/res\/(\d+)\//)[1]);
    return { ...description, status, body: error.result };
  }
  return description;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

module.exports = { serve, settle };
