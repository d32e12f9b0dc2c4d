// An OPC UA server for the recovery suite, on node-opcua. It is configured by one
// JSON argument, prints "ready" when it serves, and takes commands on its standard
// input, each answered by "done": "set N", "gone", "back", "clock SECONDS" (the
// time that it shows is that much ahead, while its timers run as before), "moved" (the node has
// another id), "password WORD", "sessions" (answered by
// "done N", the number of sessions that are open).
"use strict";

let ahead = 0;
const Real = Date;
global.Date = class extends Real {
  constructor(...args) {
    if (args.length === 0) super(Real.now() + ahead * 1000);
    else super(...args);
  }
};

const path = require("path");
const readline = require("readline");
const opcua = require("node-opcua");

const options = JSON.parse(process.argv[2]);
let password = "right";

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
    node.setValueFromSource({ dataType: opcua.DataType.UInt32, value }, opcua.StatusCodes.Good, new Date());
  };
  const add = (id) => {
    node = plant.addVariable({
      organizedBy: space.rootFolder.objects,
      browseName: "Count",
      nodeId: id,
      dataType: "UInt32",
    });
    write();
  };
  add("s=Count");
  const commands = {
    set: (arg) => { value = Number(arg); write(); },
    gone: () => { space.deleteNode(node); node = undefined; },
    moved: () => { space.deleteNode(node); add("s=Moved"); },
    back: () => { if (node) space.deleteNode(node); add("s=Count"); },
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
