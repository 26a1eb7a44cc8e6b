// SPDX-License-Identifier: Apache-2.0

import CHiredis

/// hiredis callbacks for the parts of a reply; each finds its ``ReplyBuilder`` through the task's private data.
///
/// Returning null makes hiredis fail with "out of memory"; the builder then has the real reason.
enum ReplyCallbacks {
    static var functions: redisReplyObjectFunctions {
        unsafe redisReplyObjectFunctions(
            createString: { task, bytes, count in
                guard let task = unsafe task, let builder = unsafe ReplyCallbacks.builder(of: task) else { return nil }
                let type = unsafe task.pointee.type
                guard builder.admit(bytes: count, isLine: type != REDIS_REPLY_STRING) else { return nil }
                let string = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
                switch type {
                case REDIS_REPLY_STATUS: builder.add(.simple(unsafe String(decoding: string, as: UTF8.self)))
                case REDIS_REPLY_ERROR: builder.add(.error(unsafe String(decoding: string, as: UTF8.self)))
                default: builder.add(.bulk(unsafe Array(string)))
                }
                return unsafe task.pointee.privdata
            },
            createArray: { task, count in
                guard let task = unsafe task, let builder = unsafe ReplyCallbacks.builder(of: task),
                    builder.begin(count: Int(clamping: count))
                else { return nil }
                return unsafe task.pointee.privdata
            },
            createInteger: { task, value in
                guard let task = unsafe task, let builder = unsafe ReplyCallbacks.builder(of: task) else { return nil }
                builder.add(.integer(Int(clamping: value)))
                return unsafe task.pointee.privdata
            },
            createNil: { task in
                guard let task = unsafe task, let builder = unsafe ReplyCallbacks.builder(of: task) else { return nil }
                builder.add(.null)
                return unsafe task.pointee.privdata
            },
            // The builder owns the parts.
            freeObject: { _ in }
        )
    }

    private static func builder(of task: UnsafePointer<redisReadTask>) -> ReplyBuilder? {
        guard let pointer = unsafe task.pointee.privdata else { return nil }
        return unsafe Unmanaged<ReplyBuilder>.fromOpaque(pointer).takeUnretainedValue()
    }
}
