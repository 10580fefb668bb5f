'use strict';
// The provider object of `DynamicPlacement`. Pulumi stores a provider's code in the state; of one that is the exports of an installed
// CommonJS module it stores no more than `require("pulumi-vmplacement/dynamic.cjs")`, which stays the same from version to version and
// always runs the installed code. Each function stands for itself, since from a folder outside of node_modules they are stored one by one.
exports.configure = async (request) => (await import('pulumi-vmplacement/dist/provider/dynamic/main.js')).configure(request);
exports.check = async (olds, news) => (await import('pulumi-vmplacement/dist/provider/dynamic/main.js')).check(olds, news);
exports.diff = async (id, olds, news) => (await import('pulumi-vmplacement/dist/provider/dynamic/main.js')).diff(id, olds, news);
exports.create = async (inputs) => (await import('pulumi-vmplacement/dist/provider/dynamic/main.js')).create(inputs);
exports.read = async (id, props) => (await import('pulumi-vmplacement/dist/provider/dynamic/main.js')).read(id, props);
exports.update = async (id, olds, news) => (await import('pulumi-vmplacement/dist/provider/dynamic/main.js')).update(id, olds, news);
exports.delete = async (id, props) => (await import('pulumi-vmplacement/dist/provider/dynamic/main.js')).remove(id, props);
