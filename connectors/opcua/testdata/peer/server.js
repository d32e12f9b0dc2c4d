// An OPC UA server for peer_test.go, on node-opcua. It is configured by one JSON
// argument, prints "ready" when it serves, and takes commands on its standard
// input: "set NAME VALUE", "add NAME VALUE", "remove NAME", each answered by
// "done".
"use strict";

const path = require("path");
const readline = require("readline");
const opcua = require("node-opcua");

const options = JSON.parse(process.argv[2]);

async function main() {
  const certificates = new opcua.OPCUACertificateManager({
    rootFolder: path.join(options.folder, "pki"),
    automaticallyAcceptUnknownCertificate: false,
  });
  await certificates.initialize();
  const server = new opcua.OPCUAServer({
    hostname: "plc.invalid", // nobody but the server knows it by this name
    port: options.port,
    serverCertificateManager: certificates,
    allowAnonymous: !options.usersOnly,
    securityPolicies: [opcua.SecurityPolicy.None, opcua.SecurityPolicy.Basic256Sha256],
    securityModes: [opcua.MessageSecurityMode.None, opcua.MessageSecurityMode.SignAndEncrypt],
    userManager: { isValidUser: (user, password) => user === "gateway" && password === "right" },
    maxSessions: options.maxSessions || 10,
    serverCapabilities: {
      maxSessions: options.maxSessions || 10,
      operationLimits: { maxMonitoredItemsPerCall: options.perCall || 0 },
    },
  });
  await server.initialize();

  const space = server.engine.addressSpace;
  let plant;
  for (const uri of options.namespaces) {
    const ns = space.registerNamespace(uri);
    if (uri === "urn:plant") plant = ns;
  }
  const nodes = new Map();
  const add = (name, value) => {
    const node = plant.addVariable({
      organizedBy: space.rootFolder.objects,
      browseName: name,
      nodeId: `s="DB_Line"."${name}"`,
      dataType: "UInt32",
    });
    node.setValueFromSource({ dataType: opcua.DataType.UInt32, value });
    nodes.set(name, node);
  };
  for (const name of options.nodes) add(name, 1);

  await server.start();
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const [command, name, value] = line.split(" ");
    if (command === "set") nodes.get(name).setValueFromSource({ dataType: opcua.DataType.UInt32, value: Number(value) });
    if (command === "add") add(name, Number(value));
    if (command === "remove") space.deleteNode(nodes.get(name));
    console.log("done");
  }).on("close", () => process.exit(0));
  console.log("ready");
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
