/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What every public header of libttp starts from: symbol visibility and C++ linkage.
 *
 * The library keeps no globals that change, starts no threads (but one per open store, ttp/store.h),
 * installs no signal handlers, never exits and never prints. Whoever calls it owns all of that.
 */
#if defined(__GNUC__)
#define TTP_API __attribute__((visibility("default")))
#define TTP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define TTP_API
#define TTP_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
#define TTP_BEGIN extern "C" {
#define TTP_END }
#else
#define TTP_BEGIN
#define TTP_END
#endif
