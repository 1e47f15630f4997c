// Package httpapi is the gateway's REST face: routes made from the operation table, authentication, RFC 9457 problems, the
// OpenAPI document and its readable page, health and metrics. It translates between HTTP and the use cases of package app;
// it must never decide what may be done, and knows neither Fabric nor SQL.
package httpapi
