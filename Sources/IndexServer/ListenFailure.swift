import DocumentModel
import Glibc
import NIOCore

/// Why an index cannot listen, in words that say what to do.
enum ListenFailure {
  static func explain(_ error: any Error, listen: Endpoint) -> String {
    guard let code = (error as? IOError)?.errnoCode else { return "cannot listen at \(listen): \(error)" }
    let reason = "cannot listen at \(listen): \(String(cString: strerror(code)))"
    switch code {
    case EADDRINUSE:
      return "\(reason). Perhaps an index runs there already; --listen HOST:PORT chooses another address"
    case EADDRNOTAVAIL:
      return "\(reason). --listen takes an address of this machine"
    case EACCES:
      return "\(reason). Ports below 1024 need special rights"
    default:
      return reason
    }
  }
}
