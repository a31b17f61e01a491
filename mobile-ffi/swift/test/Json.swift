import Foundation

/// A value as JSON has it: what the scenario says, and what came out.
enum Json: Decodable, Equatable, CustomStringConvertible {
    case null
    case flag(Bool)
    case number(Int64)
    case text(String)
    case list([Json])
    case object([String: Json])

    init(from decoder: Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? value.decode(Int64.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([Json].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: Json].self))
        }
    }

    /// What a value of the library looks like from outside.
    init(_ value: Any?) {
        switch value {
        case nil, is Void: self = .null
        case let text as String: self = .text(text)
        case let flag as Bool: self = .flag(flag)
        case let number as any BinaryInteger: self = .number(Int64(number))
        case let json as Json: self = json
        case let value?: self = Json(mirrored: value)
        }
    }

    private init(mirrored value: Any) {
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: self = Json(mirror.children.first?.value)
        case .collection: self = .list(mirror.children.map { Json($0.value) })
        case .dictionary:
            let pairs = mirror.children.map { Array(Mirror(reflecting: $0.value).children) }
            self = .object(Dictionary(uniqueKeysWithValues: pairs.map { ("\($0[0].value)", Json($0[1].value)) }))
        case .enum: self = Json(case: value, mirror)
        default: self = .object(Json.fields(mirror))
        }
    }

    /// A bare case is a word; one with values an object that says which it is.
    private init(case value: Any, _ mirror: Mirror) {
        guard let held = mirror.children.first else {
            self = .text(word("\(value)"))
            return
        }
        let inner = Mirror(reflecting: held.value)
        let fields = inner.displayStyle == .tuple ? Json.fields(inner) : [:]
        self = .object(fields.merging(["is": .text(word(held.label ?? ""))]) { ours, _ in ours })
    }

    private static func fields(_ mirror: Mirror) -> [String: Json] {
        let named = mirror.children.map { (snake($0.label ?? ""), Json($0.value)) }
        return Dictionary(named) { first, _ in first }
    }

    subscript(name: String) -> Json? {
        if case .object(let fields) = self { return fields[name] }
        return nil
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var number: Int64? { if case .number(let number) = self { number } else { nil } }
    var list: [Json]? { if case .list(let list) = self { list } else { nil } }

    var description: String {
        switch self {
        case .null: "null"
        case .flag(let flag): "\(flag)"
        case .number(let number): "\(number)"
        case .text(let text): "\"\(text)\""
        case .list(let list): "[" + list.map(\.description).joined(separator: ", ") + "]"
        case .object(let fields):
            "{" + fields.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
        }
    }

    /// Whether this is what the scenario wants: see its `about`.
    func fits(_ wanted: Json) -> Bool {
        guard case .object(let parts) = wanted else {
            guard let found = list, let wanted = wanted.list else { return self == wanted }
            return found.count == wanted.count && zip(found, wanted).allSatisfy { $0.fits($1) }
        }
        if let size = parts["size"] { return Int64(list?.count ?? -1) == size.number }
        if let least = parts["least"]?.number { return (number ?? .min) >= least }
        if let part = parts["has"] { return (list ?? []).contains { $0.fits(part) } }
        return parts.allSatisfy { name, part in self[name].map { $0.fits(part) } ?? false }
    }
}

func word(_ name: String) -> String { name.replacingOccurrences(of: "_", with: "").lowercased() }

func snake(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
}
