package dev.outrider.agents.log;

import java.io.Serial;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.event.LoggingEvent;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.spi.LoggingEventAware;

/** A logger that hands its lines to {@link AgentLog}. Markers are not used. */
final class JsonLogger extends LegacyAbstractLogger implements LoggingEventAware {
  @Serial private static final long serialVersionUID = 1L;

  JsonLogger(String name) {
    this.name = name;
  }

  @Override
  public boolean isTraceEnabled() {
    return AgentLog.isEnabled(name, Level.TRACE);
  }

  @Override
  public boolean isDebugEnabled() {
    return AgentLog.isEnabled(name, Level.DEBUG);
  }

  @Override
  public boolean isInfoEnabled() {
    return AgentLog.isEnabled(name, Level.INFO);
  }

  @Override
  public boolean isWarnEnabled() {
    return AgentLog.isEnabled(name, Level.WARN);
  }

  @Override
  public boolean isErrorEnabled() {
    return AgentLog.isEnabled(name, Level.ERROR);
  }

  @Override
  protected @Nullable String getFullyQualifiedCallerName() {
    return null;
  }

  @Override
  protected void handleNormalizedLoggingCall(
      Level level,
      @Nullable Marker marker,
      String pattern,
      Object @Nullable [] arguments,
      @Nullable Throwable error) {
    AgentLog.write(level, name, format(pattern, arguments), null, error);
  }

  @Override
  public void log(LoggingEvent event) {
    AgentLog.write(
        event.getLevel(),
        name,
        format(event.getMessage(), event.getArgumentArray()),
        event.getKeyValuePairs(),
        event.getThrowable());
  }

  private static String format(String pattern, Object @Nullable [] arguments) {
    return arguments == null || arguments.length == 0
        ? pattern
        : MessageFormatter.basicArrayFormat(pattern, arguments);
  }
}
