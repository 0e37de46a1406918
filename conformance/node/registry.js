/*
 * Drives azure-iothub: the operator's view of the devices at the embedded hub.
 * The same verbs as conformance/clients/python_registry.py.
 */
'use strict';

const { Registry } = require('azure-iothub');
const { serve } = require('./lines');

function client({ connectionString }) {
  return Registry.fromConnectionString(connectionString);
}

function plain({ responseBody }) {
  const { _registry, ...value } = responseBody;
  return value;
}

function device({ id, status, authentication }) {
  return { deviceId: id, status, authentication };
}

async function createDevice(request) {
  return plain(await client(request).create(device(request)));
}

/* Whatever it was: the SDK sends `*` as the condition. */
async function updateDevice(request) {
  return plain(await client(request).update(device(request)));
}

async function getDevice(request) {
  return plain(await client(request).get(request.id));
}

async function listDevices(request) {
  const { responseBody } = await client(request).list();
  return responseBody.map((each) => plain({ responseBody: each }));
}

async function getTwin(request) {
  return plain(await client(request).getTwin(request.id));
}

async function updateTwin(request) {
  const patch = { tags: request.tags, properties: { desired: request.desired } };
  return plain(await client(request).updateTwin(request.id, patch, request.etag ?? '*'));
}

async function deleteDevice(request) {
  await client(request).delete(request.id);
}

serve({ createDevice, updateDevice, getDevice, listDevices, getTwin, updateTwin, deleteDevice });
