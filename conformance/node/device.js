/*
 * Drives azure-iot-provisioning-device over MQTT, HTTP and AMQP, then azure-iot-device-mqtt at the assigned hub.
 * The same verbs as conformance/clients/python_device.py; trust comes from NODE_EXTRA_CA_CERTS.
 */
'use strict';

const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { readFileSync } = require('node:fs');
const { TpmAuthenticationProvider } = require('azure-iot-security-tpm');
const { X509Security } = require('azure-iot-security-x509');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { Client, Message } = require('azure-iot-device');
const { NoRetry } = require('azure-iot-common');
const provisioningMqtt = require('azure-iot-provisioning-device-mqtt');
const provisioningAmqp = require('azure-iot-provisioning-device-amqp');
const hubMqtt = require('azure-iot-device-mqtt');
const { serve, settle } = require('./lines');
const { tpmSecurity } = require('./tpm');

const TRANSPORTS = {
  MQTT: provisioningMqtt.Mqtt,
  'MQTT over WebSocket': provisioningMqtt.MqttWs,
  HTTPS: require('azure-iot-provisioning-device-http').Http,
  AMQP: provisioningAmqp.Amqp,
  'AMQP over WebSocket': provisioningAmqp.AmqpWs,
};
const HUB_TRANSPORTS = {
  MQTT: hubMqtt.Mqtt,
  'MQTT over WebSocket': hubMqtt.MqttWs,
};
const PATCH_MILLISECONDS = 20_000;

/* The files of a certificate, with its chain, and of its key, as the SDKs want them. */
function certificate({ certificateFile, keyFile }) {
  return { cert: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

function security(request) {
  if (request.tpmDirectory) return tpmSecurity(request);
  if (request.certificateFile) return new X509Security(request.registrationId, certificate(request));
  return new SymmetricKeySecurityClient(request.registrationId, request.symmetricKey);
}

async function register(request) {
  const transport = new TRANSPORTS[request.transport]();
  const client = ProvisioningDeviceClient.create(request.provisioningHost, request.idScope, transport, security(request));
  if ('payload' in request) client.setProvisioningPayload(request.payload);
  const result = await client.register();
  return result.registrationState ?? result; // with a TPM the SDK hands on the whole answer
}

async function registerMany({ devices, ...common }) {
  const all = devices.map((device) => settle(() => register({ ...common, ...device })));
  return (await Promise.all(all)).map((answer) => answer.value ?? answer);
}

let client;
let twin;
const patches = [];
let wake = () => {};

function hubClient(request) {
  const { transport, hub, deviceId, symmetricKey, certificateFile, tpmDirectory } = request;
  if (tpmDirectory) {
    const provider = TpmAuthenticationProvider.fromTpmSecurityClient(deviceId, hub, tpmSecurity(request));
    return Client.fromAuthenticationProvider(provider, HUB_TRANSPORTS[transport]);
  }
  const proof = certificateFile ? 'x509=true' : `SharedAccessKey=${symmetricKey}`;
  return Client.fromConnectionString(`HostName=${hub};DeviceId=${deviceId};${proof}`, HUB_TRANSPORTS[transport]);
}

async function hubConnect(request) {
  client = hubClient(request);
  if (request.certificateFile) await client.setOptions(certificate(request));
  client.setRetryPolicy(new NoRetry());
  client.on('error', (error) => console.error('hub client:', error.message));
  await client.open();
}

async function hubSend({ body, messageId, properties }) {
  const message = new Message(body);
  message.messageId = messageId;
  message.contentType = 'application/json';
  Object.entries(properties).forEach(([name, value]) => message.properties.add(name, value));
  await client.sendEvent(message);
}

async function hubTwin() {
  twin = await client.getTwin();
  return JSON.parse(JSON.stringify(twin.properties)); // without the SDK's update function
}

function hubReport({ patch }) {
  return new Promise((resolve, reject) =>
    twin.properties.reported.update(patch, (error) => (error ? reject(error) : resolve())));
}

function hubWatch() {
  twin.on('properties.desired', (patch) => {
    patches.push(structuredClone(patch)); // the SDK goes on merging into what it hands out
    wake();
  });
  // The SDK's own promise of the subscription; `on` alone gives no sign when it stands.
  return new Promise((resolve, reject) =>
    twin.enableTwinDesiredPropertiesUpdates((error) => (error ? reject(error) : resolve())));
}

/* The next desired-properties patch that carries `property`: the SDK also replays what it already knew. */
async function hubPatch({ property }) {
  const deadline = Date.now() + PATCH_MILLISECONDS;
  for (;;) {
    const found = patches.find((patch) => property in patch);
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`no desired-properties patch with ${property}`);
    await nextPatch(deadline - Date.now());
  }
}

function nextPatch(milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

async function hubDisconnect() {
  if (client) await client.close();
  client = undefined;
}

/* What the SDK can do at all; tpm needs a transport that can pass the challenge on. */
function offers() {
  const able = Object.entries(TRANSPORTS).filter(([, Transport]) => 'getAuthenticationChallenge' in Transport.prototype);
  return { tpmTransports: able.map(([name]) => name) };
}

serve({ register, registerMany, hubConnect, hubSend, hubTwin, hubReport, hubWatch, hubPatch, hubDisconnect, offers });
