package dev.outrider.e2e.faults;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;

/**
 * Where a client connects to.
 *
 * @param address of an instance or a Service
 * @param database its name
 * @param user the application's
 * @param password the application's
 */
record Target(String address, String database, String user, String password) {

  /**
   * A connection.
   *
   * @param patience milliseconds for the connection and for each answer; 0: for ever, but a second
   *     for the connection
   */
  Connection connect(int patience) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", user);
    properties.setProperty("password", password);
    properties.setProperty("sslmode", "disable");
    properties.setProperty("gssEncMode", "disable");
    properties.setProperty("tcpKeepAlive", "true");
    properties.setProperty("connectTimeout", "1");
    properties.setProperty("prepareThreshold", "0");
    properties.setProperty("ApplicationName", "faults");
    if (patience > 0) {
      properties.setProperty("socketFactory", ImpatientSockets.class.getName());
      properties.setProperty("socketFactoryArg", Integer.toString(patience));
      // Without a limit of its own the driver waits on when the socket says that time is up.
      properties.setProperty("socketTimeout", "1");
    }
    return DriverManager.getConnection(
        "jdbc:postgresql://" + address + ":5432/" + database, properties);
  }

  /** Without the password. */
  @Override
  public String toString() {
    return user + "@" + address + "/" + database;
  }
}
