/*
 * Drives azure-iot-provisioning-service: enrollments, groups, registrations.
 * The same verbs as conformance/clients/python_service.py. Its etag travels in the record, as the SDK wants it.
 */
'use strict';

const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { serve } = require('./lines');

const EVERYTHING = { query: 'SELECT *' };
const METHODS = {
  enrollment: {
    put: 'createOrUpdateIndividualEnrollment',
    get: 'getIndividualEnrollment',
    delete: 'deleteIndividualEnrollment',
    query: 'createIndividualEnrollmentQuery',
    attestation: 'getIndividualEnrollmentAttestationMechanism',
  },
  enrollmentGroup: {
    put: 'createOrUpdateEnrollmentGroup',
    get: 'getEnrollmentGroup',
    delete: 'deleteEnrollmentGroup',
    query: 'createEnrollmentGroupQuery',
    attestation: 'getEnrollmentGroupAttestationMechanism',
  },
};

function client({ connectionString }) {
  return ProvisioningServiceClient.fromConnectionString(connectionString);
}

function call(request, verb, ...args) {
  return client(request)[METHODS[request.kind][verb]](...args);
}

async function put(request) {
  const { responseBody } = await call(request, 'put', { ...request.record, etag: request.etag });
  return responseBody;
}

async function get(request) {
  return (await call(request, 'get', request.id)).responseBody;
}

async function remove(request) {
  await call(request, 'delete', request.id, request.etag);
}

async function attestation(request) {
  return (await call(request, 'attestation', request.id)).responseBody;
}

async function query(request) {
  return pages(call(request, 'query', EVERYTHING, request.pageSize), request.pages);
}

async function getRegistration(request) {
  return (await client(request).getDeviceRegistrationState(request.id)).responseBody;
}

async function deleteRegistration(request) {
  await client(request).deleteDeviceRegistrationState(request.id);
}

async function queryRegistrations(request) {
  const { groupId, pageSize } = request;
  return pages(client(request).createEnrollmentGroupDeviceRegistrationStateQuery(EVERYTHING, groupId, pageSize));
}

async function pages(query, most) {
  const found = [];
  do {
    found.push((await query.next(query.continuationToken)).responseBody);
  } while (query.hasMoreResults && found.length !== most);
  return found;
}

serve({
  put, get, delete: remove, attestation, query, getRegistration, deleteRegistration, queryRegistrations,
});
