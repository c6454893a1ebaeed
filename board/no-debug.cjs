// In the bundle this stands in for the package `debug`, which mqtt and mqtt-packet call at each step of each packet: it
// makes a list of its arguments, and then prints nothing. A twentieth of what a login throws away.
const nothing = () => {};
nothing.enabled = false;
nothing.extend = () => nothing;
module.exports = () => nothing;
