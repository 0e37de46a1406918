/*
 * Microsoft's client for TPMs, with swtpm in the place of the chip: it sends the same commands as to /dev/tpm0, through
 * the TPM that its constructor takes. A TPM is known by the directory that keeps its state; each is powered on once.
 */
'use strict';

const { spawn } = require('node:child_process');
const { TpmSecurityClient } = require('azure-iot-security-tpm');
const { Tpm } = require('tss.js');

const HEADER_BYTES = 10;
const SIZE_OFFSET = 2;
const SOCKET = 3; // swtpm's file descriptor, behind the three standard ones
const chips = new Map();

/* What tss.js asks of the device below it: connect, dispatchCommand and close. */
class Simulator {
  constructor(directory) {
    this.directory = directory;
  }

  connect(done) {
    if (!this.socket) {
      const flags = ['--fd', SOCKET, '--flags', 'not-need-init,startup-clear'];
      const call = ['socket', '--tpm2', '--tpmstate', `dir=${this.directory}`, ...flags];
      this.socket = spawn('swtpm', call, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] }).stdio[SOCKET];
    }
    setImmediate(done, null);
    return null;
  }

  dispatchCommand(command, done) {
    let response = Buffer.alloc(0);
    const take = (data) => {
      response = Buffer.concat([response, data]);
      if (response.length < HEADER_BYTES || response.length < response.readUInt32BE(SIZE_OFFSET)) return;
      this.socket.off('data', take);
      setImmediate(done, null, response);
    };
    this.socket.on('data', take);
    this.socket.write(command);
  }

  close() {
    this.socket.end();
  }
}

function chip(directory) {
  if (!chips.has(directory)) {
    const tpm = new Tpm();
    tpm.device = new Simulator(directory);
    chips.set(directory, tpm);
  }
  return chips.get(directory);
}

function tpmSecurity({ registrationId, tpmDirectory }) {
  return new TpmSecurityClient(registrationId, chip(tpmDirectory));
}

module.exports = { tpmSecurity };
