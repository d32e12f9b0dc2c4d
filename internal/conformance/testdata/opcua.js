// An OPC UA server for the recovery suite, on node-opcua. It is configured by one
// JSON argument, prints "ready" when it serves, and takes commands on its standard
// input, each answered by "done": "set N", "gone", "back", "clock SECONDS" (its
// values' time is that much ahead), "password WORD", "sessions" (answered by
// "done N", the number of sessions that are open).
"use strict";

const path = require("path");
const readline = require("readline");
const opcua = require("node-opcua");

const options = JSON.parse(process.argv[2]);
let password = "right";
let ahead = 0;

async function main() {
  const certificates = new opcua.OPCUACertificateManager({
    rootFolder: path.join(options.folder, "pki"),
    automaticallyAcceptUnknownCertificate: true,
  });
  await certificates.initialize();
  const settings = {
    port: options.port,
    serverCertificateManager: certificates,
    allowAnonymous: !options.usersOnly,
    securityPolicies: [opcua.SecurityPolicy.None, opcua.SecurityPolicy.Basic256Sha256],
    securityModes: [opcua.MessageSecurityMode.None, opcua.MessageSecurityMode.SignAndEncrypt],
    userManager: { isValidUser: (user, word) => user === "gateway" && word === password },
    maxSessions: options.maxSessions,
    serverCapabilities: {
      maxSessions: options.maxSessions,
      maxSubscriptions: options.maxSessions,
      maxMonitoredItems: 10 * options.maxSessions,
    },
  };
  if (options.certificate) {
    settings.certificateFile = options.certificate;
    settings.privateKeyFile = options.key;
  }
  const server = new opcua.OPCUAServer(settings);
  await server.initialize();

  const space = server.engine.addressSpace;
  let plant;
  for (const uri of options.namespaces) {
    const ns = space.registerNamespace(uri);
    if (uri === "urn:plant") plant = ns;
  }
  let node;
  let value = 0;
  const write = () => {
    const now = new Date(Date.now() + ahead * 1000);
    node.setValueFromSource({ dataType: opcua.DataType.UInt32, value }, opcua.StatusCodes.Good, now);
  };
  const add = () => {
    node = plant.addVariable({
      organizedBy: space.rootFolder.objects,
      browseName: "Count",
      nodeId: "s=Count",
      dataType: "UInt32",
    });
    write();
  };
  add();
  const commands = {
    set: (arg) => { value = Number(arg); write(); },
    gone: () => space.deleteNode(node),
    back: add,
    clock: (arg) => { ahead = Number(arg); write(); },
    password: (arg) => { password = arg; },
    sessions: () => server.engine.currentSessionCount,
  };
  await server.start();
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const [command, arg] = line.split(" ");
    const said = commands[command](arg);
    console.log(command === "sessions" ? `done ${said}` : "done");
  }).on("close", () => process.exit(0));
  console.log("ready");
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
