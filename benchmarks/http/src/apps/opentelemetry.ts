/*
 * OpenTelemetry's instrumentation of node:http and of the framework: spans are recorded and ended but go nowhere, metrics
 * are kept for a scrape that does not come. Exporters come on top of what is measured.
 */
import { createRequire } from 'node:module'
import { context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { KoaInstrumentation } from '@opentelemetry/instrumentation-koa'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import type { Framework } from '../subjects.ts'
import type { Application } from './application.ts'
import { expressApp } from './express.ts'
import { koaApp } from './koa.ts'

/** The application. */
export function openTelemetryApp(framework: Framework): Application {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(new TracerProvider())
  metrics.setGlobalMeterProvider(
    new MeterProvider({ readers: [new PrometheusExporter({ preventServerStart: true })] }),
  )
  const instrumentations = [
    new HttpInstrumentation(),
    framework === 'express' ? new ExpressInstrumentation() : new KoaInstrumentation(),
  ]
  for (const one of instrumentations) one.enable()
  createRequire(import.meta.url)('node:http') // patched when it is required, not when it is imported
  return framework === 'express' ? expressApp([]) : koaApp([])
}
