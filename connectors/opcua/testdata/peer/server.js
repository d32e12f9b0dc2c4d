// An OPC UA server for peer_test.go, on node-opcua. It is configured by one JSON
// argument, prints "ready" when it serves, and takes commands on its standard
// input: "set NAME VALUE", "add NAME VALUE", "remove NAME", each answered by
// "done".
"use strict";

const path = require("path");
const readline = require("readline");
const opcua = require("node-opcua");

const options = JSON.parse(process.argv[2]);

// addTree adds folders of 100 variables, and one folder with as many variables
// as all of them together, to make count in all; and a loop.
function addTree(space, plant, count) {
  const line = plant.addFolder(space.rootFolder.objects, { browseName: "Line", nodeId: "s=Line" });
  const fill = (folder, prefix, n) => {
    for (let i = 0; i < n; i++) {
      const v = plant.addVariable({ organizedBy: folder, browseName: `v${i}`, nodeId: `s=${prefix}.v${i}`, dataType: "Int32" });
      v.setValueFromSource({ dataType: opcua.DataType.Int32, value: i });
    }
  };
  const half = count / 2;
  for (let f = 0; f < half / 100; f++) {
    const folder = plant.addFolder(line, { browseName: `f${f}`, nodeId: `s=Line.f${f}` });
    fill(folder, `Line.f${f}`, 100);
    if (f === 0) folder.addReference({ referenceType: "Organizes", nodeId: line });
  }
  fill(plant.addFolder(line, { browseName: "flat", nodeId: "s=Line.flat" }), "Line.flat", half);
}

// addStructures adds an array, and an array of structures of types.xml.
function addStructures(space, plant) {
  const job = space.findDataType("Job", plant.index);
  const outer = space.findDataType("Station", plant.index);
  const station = (n) => space.constructExtensionObject(outer, {
    on: true, accCount: n, temps: [20.5, 21.5], job: space.constructExtensionObject(job, { id: `J${n}`, target: 500 }),
  });
  const hall = plant.addFolder(space.rootFolder.objects, { browseName: "Hall", nodeId: "s=Hall" });
  const one = (name, dataType, valueRank, value) => plant.addVariable({
    organizedBy: hall, browseName: name, nodeId: `s=Hall.${name}`, dataType, valueRank,
  }).setValueFromSource(value);
  const { DataType, VariantArrayType } = opcua;
  one("Counts", "UInt32", 1, { dataType: DataType.UInt32, arrayType: VariantArrayType.Array, value: new Uint32Array([10, 20, 30]) });
  one("Station", outer.nodeId, -1, { dataType: DataType.ExtensionObject, value: station(7) });
  one("Stations", outer.nodeId, 1, { dataType: DataType.ExtensionObject, arrayType: VariantArrayType.Array, value: [station(1), station(2)] });
}

async function main() {
  const certificates = new opcua.OPCUACertificateManager({
    rootFolder: path.join(options.folder, "pki"),
    automaticallyAcceptUnknownCertificate: false,
  });
  await certificates.initialize();
  const users = new opcua.OPCUACertificateManager({
    rootFolder: path.join(options.folder, "users"),
    automaticallyAcceptUnknownCertificate: false,
  });
  await users.initialize();
  const { SecurityPolicy, MessageSecurityMode } = opcua;
  const server = new opcua.OPCUAServer({
    nodeset_filename: [opcua.nodesets.standard].concat(options.structures ? [path.join(__dirname, "types.xml")] : []),
    hostname: "plc.invalid", // nobody but the server knows it by this name
    port: options.port,
    serverCertificateManager: certificates,
    userCertificateManager: users,
    allowAnonymous: !options.usersOnly,
    securityPolicies: [
      SecurityPolicy.None, SecurityPolicy.Basic256Sha256,
      SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss,
    ],
    securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
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
  for (const name of options.nodes || []) add(name, 1);
  if (options.tree) addTree(space, plant, options.tree);
  if (options.structures) addStructures(space, plant);

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
