/* SPDX-License-Identifier: Apache-2.0 */
#include "attack/download.h"

#include "base/err.h"

int download_to(const download_options *options, int fd, ttp_err *err)
{
    (void)fd; /* there is nothing to write */
    return err_set(err, TTP_E_UNSUPPORTED, options->url,
                   "this build cannot download: it was built without libcurl; any other program "
                   "can, and --attack-bundle takes the file");
}
