// qquant floor 2: the version of what is linked, and statuses in words.

#ifndef QQUANT_STATUS_H
#define QQUANT_STATUS_H

#include "api/status.h"

QQ_API uint32_t qq_version(void)
{
    return QQ_VERSION_MAJOR * 10000u + QQ_VERSION_MINOR * 100u +
           QQ_VERSION_PATCH;
}

QQ_API const char *qq_status_string(qq_status status)
{
    switch ((int)status) {
    case QQ_OK:
        return "All is well.";
    case QQ_ERR_ARGUMENT:
        return "An argument is missing or makes no sense.";
    case QQ_ERR_TYPE:
        return "This call cannot take that type.";
    case QQ_ERR_SHAPE:
        return "The shapes do not fit each other.";
    case QQ_ERR_AXIS:
        return "An axis is out of range, given twice, or in two roles.";
    case QQ_ERR_SCHEME:
        return "The scheme contradicts itself, the type or the data.";
    case QQ_ERR_SIZE:
        return "An output buffer is too small, or a size is beyond size_t.";
    case QQ_ERR_SCRATCH:
        return "The scratch memory is too small.";
    case QQ_ERR_FORMAT:
        return "The bytes or the text are not what they should be.";
    case QQ_ERR_VERSION:
        return "The packed form is newer than this library.";
    case QQ_ERR_UNSUPPORTED:
        return "This build or this machine cannot do that.";
    case QQ_ERR_CANCELLED:
        return "The caller asked to stop.";
    default:
        return "This number is no status.";
    }
}

#endif // QQUANT_STATUS_H
