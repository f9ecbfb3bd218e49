module.exports = { mul: function (a, b) { return a * b >> SHIFT } }; var SHIFT = 1
