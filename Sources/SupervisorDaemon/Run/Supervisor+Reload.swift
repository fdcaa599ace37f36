// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import ProcessSupervision
import ProcessSupport
import WireProtocol

/// Reloading the configuration while processes run.
extension Supervisor {
  private typealias PeersIndex = (address: Endpoint, isOwn: Bool)

  /// Applies the changes that are possible while processes run, and logs the others. An error changes nothing.
  @discardableResult
  func reload() throws(SupervisorError) -> PlanChange {
    do throws(SupervisorError) {
      guard !fleet.isEnding else { throw SupervisorError(.failed, "the supervisor is stopping") }
      let new = try options.reload()
      for warning in new.warnings { log.write(warning, .warning) }
      let change = PlanChange(from: plan, to: new)
      let index = BlueprintBuilder.indexOfPeers(
        change.result, served: children[ProcessRole.index.rawValue]?.blueprint)
      let added = try prepare(change.added, index: index)
      carryOut(change, added, index: index)
      return change
    } catch {
      log.write("not reloaded: \(error)", .error)
      throw error
    }
  }

  private func carryOut(_ change: PlanChange, _ added: [ChildBlueprint], index: PeersIndex) {
    plan = change.result
    fleet.adopt(plan.policy)
    for name in change.removed { perform(fleet.retire(name.text, now: .now)) }
    log.reopen()
    for child in children.values {
      child.reopenLog()
      update(child, index: index)
    }
    for blueprint in added { begin(blueprint) }
    let applied = change.applied.isEmpty ? "no changes" : change.applied.joined(separator: ", ")
    log.write("reloaded: \(applied)")
    if !change.postponed.isEmpty {
      log.write(
        "these changes apply at the next start of the supervisor: \(change.postponed.joined(separator: ", "))", .warning
      )
    }
  }

  /// Opens everything that new peers need, before anything is changed. On failure all of it is closed again.
  private func prepare(_ peers: [RunPlan.Peer], index: PeersIndex) throws(SupervisorError) -> [ChildBlueprint] {
    var blueprints: [ChildBlueprint] = []
    do throws(SupervisorError) {
      for peer in peers {
        guard children[peer.name.text] == nil else {
          throw SupervisorError(
            .failed, "the removed peer \(peer.name) has not stopped yet: reload again")
        }
        blueprints.append(try resources.builder.peer(peer, index: index.address, isOwn: index.isOwn))
      }
    } catch {
      for blueprint in blueprints { blueprint.closeListeners() }
      throw error
    }
    return blueprints
  }

  private func update(_ child: SupervisedChild, index: PeersIndex) {
    switch child.blueprint.settings {
    case .index(var settings):
      settings.allowAdvertise = plan.index?.allowAdvertise ?? []
      settings.bounds = plan.index?.bounds ?? settings.bounds
      child.blueprint.settings = .index(settings)
    case .peer(var settings):
      (settings.index, settings.isOwnIndex) = index
      // A removed peer keeps its address.
      if let peer = plan.peers.first(where: { $0.name.text == child.blueprint.name }) {
        settings.advertise = peer.advertise
      }
      child.blueprint.settings = .peer(settings)
    }
    child.send(.reload(child.blueprint.settings))
  }

  private func begin(_ blueprint: ChildBlueprint) {
    children[blueprint.name] = SupervisedChild(blueprint)
    fleet.add(blueprint.name, role: .peer, now: .now)
    perform(fleet.start(blueprint.name, now: .now))
  }
}
