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

async function getDevice(request) {
  return plain(await client(request).get(request.id));
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

serve({ getDevice, getTwin, updateTwin, deleteDevice });
